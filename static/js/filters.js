// Empty filters leave no trace in the address.
document.addEventListener("htmx:config:request", (event) => {
  const { request, sourceElement } = event.detail.ctx;
  if (sourceElement.id !== "filters") return;
  for (const [name, value] of [...request.body]) if (value === "") request.body.delete(name);
});
