import { goOn } from "./going_on.js";

// Toasts stay eight seconds, longer while looked at, and lie above every dialog. Their words stand on the box.
const STAY_MS = 8000;
const box = () => document.getElementById("toasts");
export const words = (name) => box()?.dataset[name] ?? "";

// A modal dialog makes all outside it inert: they move into it, and out again.
const settleIn = (home) => { if (box() && box().parentNode !== home) home.append(box()); };

export function raise() {
  const toasts = box();
  if (!toasts) return;
  const held = toasts.contains(document.activeElement) ? document.activeElement : null;
  settleIn(document.querySelector("dialog[open]") ?? document.body);
  if (toasts.matches(":popover-open")) toasts.hidePopover();
  if (toasts.childElementCount) toasts.showPopover();
  held?.focus();
  document.querySelectorAll("[data-toast]:not([data-timed])").forEach(time);
}

function time(toast) {
  toast.dataset.timed = "";
  if (!toast.hasAttribute("data-stay")) setTimeout(part, STAY_MS, toast);
}

const part = (toast) => (toast.matches(":hover, :focus-within") ? setTimeout(part, 1000, toast) : drop(toast));

export function drop(toast) {
  const held = toast?.contains(document.activeElement);
  toast?.remove();
  if (!box()?.childElementCount) raise();
  if (held) goOn();
}

export function say(sentence, tone = "bad") {
  const toast = document.getElementById(`toast-${tone}`)?.content.firstElementChild.cloneNode(true);
  const same = [...(box()?.querySelectorAll("p") ?? [])].some((each) => each.textContent.trim() === sentence);
  if (!toast || same) return null;
  toast.querySelector("p").textContent = sentence;
  box().append(toast);
  raise();
  return toast;
}

document.addEventListener("htmx:after:settle", (event) => { if (event.target.id === "toasts") raise(); });
document.addEventListener("layer:changed", raise);
document.addEventListener("layer:emptied", () => settleIn(document.body));
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-dismiss]")) drop(event.target.closest("[data-toast]"));
});
// Not earlier: events named in HX-Trigger are fired on the form, and must still find it in the page.
document.addEventListener("htmx:finally:request", (event) => {
  const undo = event.detail.ctx.sourceElement.closest?.("[data-undo]");
  if (!undo || !event.detail.ctx.response?.raw.ok) return;
  drop(undo.closest("[data-toast]"));
  goOn();
});
raise();
