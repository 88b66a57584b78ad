// Every htmx request carries the token of the page.
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector("meta[name=csrf-token]");
  if (token) event.detail.ctx.request.headers["X-CSRFToken"] = token.content;
});
