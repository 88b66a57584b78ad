// Nothing typed is lost without a question: by a link, by htmx, by closing the tab. Dialogs ask in dialog.js.
import { answered, mayLeave, send, typed } from "./unsaved.js";

const AGREED_MS = 2000; // the browser asks right after the click, or never
let agreed = false;

window.addEventListener("beforeunload", (event) => {
  if (!agreed && typed().length) event.preventDefault();
});

function leadsAway(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return false;
  if (link.target === "_blank" || link.hasAttribute("download") || !link.protocol.startsWith("http")) return false;
  return !link.getAttribute("href").startsWith("#") && !link.closest("dialog [data-close]");
}

document.addEventListener("click", (event) => {
  if (!leadsAway(event) || !typed().length) return;
  agreed = mayLeave(document, "askLeave");
  if (agreed) setTimeout(() => { agreed = false; }, AGREED_MS);
  else event.preventDefault();
});

// A form that goes as a page of its own: nothing to lose, and the line at the top shows that it is under way.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "dialog") return;
  send(event.target);
  document.documentElement.dataset.going = "";
});
window.addEventListener("pageshow", () => { delete document.documentElement.dataset.going; });

// What htmx is about to put away: the edited row when its list is sorted, the form when a link takes its place.
document.addEventListener("htmx:before:request", (event) => {
  const { sourceElement, swap, target } = event.detail.ctx;
  send(sourceElement);
  if (swap !== "none" && target?.querySelectorAll && !mayLeave(target, "askLeave")) {
    answered(sourceElement, false);
    event.preventDefault();
  }
});

// A form that asks for something to look at elsewhere, such as a preview, is not saved by the answer.
document.addEventListener("htmx:after:request", (event) => {
  const { hx, response, sourceElement, swap, target } = event.detail.ctx;
  if (hx.redirect && !hx.redirect.startsWith("/login")) return;
  const isAnswer = swap === "none" || hx.reswap === "none" || target?.contains?.(sourceElement);
  answered(sourceElement, response.raw.ok && isAnswer && !hx.redirect);
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx) answered(event.detail.ctx.sourceElement, false);
});
