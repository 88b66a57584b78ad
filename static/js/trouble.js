// One calm toast when a request fails and nothing on the page says so; what was typed stays where it is.
import { say, words } from "./toasts.js";

// A swapped 422 or 409 speaks for itself, and so does an answer that brings its own toast.
document.addEventListener("htmx:finally:swap", (event) => {
  const { response, swap, text } = event.detail.ctx;
  if (!response || response.status < 400) return;
  if (swap === "none" && !text.includes("data-toast")) say(words(response.status === 503 ? "busy" : "failed"));
});

document.addEventListener("htmx:error", (event) => {
  const ctx = event.detail.ctx;
  if (!ctx || ctx.response) return;
  if (!navigator.onLine) say(words("offline"));
  else say(words(ctx.request.method === "GET" ? "unreached" : "lost"));
});
