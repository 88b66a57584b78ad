// One calm toast when a request fails and nothing on the page says so; what was typed stays where it is.
import { drop, say, words } from "./toasts.js";
import { typed } from "./unsaved.js";

// What is true only until the connection is back.
function pass() {
  for (const toast of document.querySelectorAll("#toasts [data-passing]")) drop(toast);
}

function sayFor(name, passes) {
  const sentence = typed().length ? `${words(name)} ${words("kept")}` : words(name);
  if (passes) pass();
  say(sentence)?.toggleAttribute("data-passing", passes);
}

// A swapped 422 or 409 speaks for itself, and so does an answer that brings its own toast.
document.addEventListener("htmx:finally:swap", (event) => {
  const { response, swap, text } = event.detail.ctx;
  if (!response || response.status < 400) return;
  if (swap !== "none" || text.includes("data-toast")) return;
  if (response.status !== 503) say(words("failed"));
  else say(words("busy"))?.setAttribute("data-passing", "");
});

document.addEventListener("htmx:error", (event) => {
  const ctx = event.detail.ctx;
  if (!ctx || ctx.response) return;
  if (!navigator.onLine) sayFor("offline", true);
  else if (ctx.request.method === "GET") sayFor("unreached", true);
  else sayFor("lost", false);
});

window.addEventListener("online", pass);
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response?.raw.status < 500) pass();
});
