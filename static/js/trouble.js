// One toast when a request fails and nothing on the page says so.
import { say } from "./toasts.js";

const NOTHING = "That did not work. Nothing was changed.";
const LOST = "No answer came back. Check the connection, then look whether it was saved.";

// A swapped 422 or 409 speaks for itself, and so does an answer that brings its own toast.
document.addEventListener("htmx:finally:swap", (event) => {
  const { response, swap, text } = event.detail.ctx;
  if (!response || response.status < 400) return;
  if (swap === "none" && !text.includes("data-toast")) say(NOTHING);
});

document.addEventListener("htmx:error", (event) => {
  const ctx = event.detail.ctx;
  if (!ctx || ctx.response) return;
  say(ctx.request.method === "GET" || !navigator.onLine ? NOTHING : LOST);
});
