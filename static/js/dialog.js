// What is swapped into #dialog opens it; `dialog:close` from the server, [data-close] and the backdrop close it.
const dialog = () => document.getElementById("dialog");
const values = (box) => [...box.querySelectorAll("form")].map((form) => new URLSearchParams(new FormData(form)).toString()).join();
let before = "";

function wasTyped(box) {
  return Boolean(box.querySelector("[data-sheet]")) && values(box) !== before;
}

function leave(box) {
  if (!wasTyped(box) || window.confirm("Close without saving what you typed?")) box.close();
}

document.addEventListener("htmx:after:settle", (event) => {
  const box = dialog();
  if (event.target !== box || !box.firstElementChild) return;
  if (!box.open) box.showModal();
  before = values(box);
  document.dispatchEvent(new CustomEvent("layer:changed"));
});

document.addEventListener("dialog:close", () => dialog()?.close());

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("dialog[open]");
  if (!box) return;
  if (event.target === box && box.id === "keys") box.close();
  else if (event.target === box || event.target.closest("[data-close]")) {
    event.preventDefault();
    leave(box);
  }
});

document.addEventListener("cancel", (event) => {
  if (event.target.id !== "dialog" || !wasTyped(event.target)) return;
  event.preventDefault();
  leave(event.target);
}, true);

document.addEventListener("close", (event) => {
  if (event.target.id === "dialog") event.target.replaceChildren();
  document.dispatchEvent(new CustomEvent("layer:changed"));
}, true);
