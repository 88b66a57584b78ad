// Ctrl-K or Cmd-K: places and commands at once, things of the merchant as people type. Enter opens the chosen one.
import { isTyping, openDialog } from "./keyboard.js";
import { gather } from "./palette_here.js";

export const box = () => document.getElementById("palette");
export const field = () => document.getElementById("palette-q");
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
export const options = () => [...box().querySelectorAll("[role=option]:not([hidden])")];
export const chosen = () => box().querySelector("[aria-selected=true]:not([hidden])");

export function choose(option) {
  box().querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", option?.id ?? "");
}

// At once, with what is there already: nothing that does not fit is shown while the server looks.
function narrow() {
  const typed = plain(field().value).split(/\s+/);
  for (const option of box().querySelectorAll("[role=option]")) {
    const words = plain(`${option.querySelector(".words").textContent} ${option.dataset.also ?? ""}`);
    option.hidden = !typed.every((each) => words.includes(each));
  }
  for (const group of box().querySelectorAll("[role=group]")) group.hidden = !group.querySelector("[role=option]:not([hidden])");
  choose(options()[0]);
}

export function show() {
  gather();
  field().value = "";
  document.getElementById("palette-found").replaceChildren();
  document.getElementById("palette-said").textContent = "";
  box().showModal();
  narrow();
  document.dispatchEvent(new CustomEvent("layer:changed"));
}

document.addEventListener("input", (event) => { if (event.target === field()) narrow(); });

document.addEventListener("keydown", (event) => {
  const own = event.target === field();
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && box() && (own || !isTyping(event))) {
    if (openDialog() && openDialog() !== box()) return;
    event.preventDefault();
    if (openDialog()) box().close();
    else show();
  }
  if (!own || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step && !(event.key === "Enter" && chosen())) return;
  event.preventDefault();
  if (step) choose(options().at((options().indexOf(chosen()) + step) % options().length));
  else chosen().click();
});
