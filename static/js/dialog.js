// What is swapped into #dialog opens it; `dialog:close` from the server, [data-close] and the backdrop close it.
import { mayLeave, typed } from "./unsaved.js";

const dialog = () => document.getElementById("dialog");
const tell = (name) => document.dispatchEvent(new CustomEvent(name));
let opener = null;

// What came after the form was sent, such as a link to copy, has none: nothing is lost by closing it.
function leave(box) {
  if (mayLeave(box, "askClose")) box.close();
}

document.addEventListener("htmx:after:settle", (event) => {
  const box = dialog();
  if (!box || event.target !== box || !box.firstElementChild) return;
  if (!box.open) {
    opener = event.detail.task.sourceElement;
    box.showModal();
  }
  tell("layer:changed");
});

document.addEventListener("htmx:before:swap", (event) => {
  if (event.detail.tasks.some((task) => task.target === dialog())) tell("layer:emptied");
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
  if (event.target.id !== "dialog" || !typed(event.target).length) return;
  event.preventDefault();
  leave(event.target);
}, true);

document.addEventListener("close", (event) => {
  if (event.target.id === "dialog") {
    tell("layer:emptied");
    event.target.replaceChildren();
    if (document.activeElement === document.body) opener?.focus();
  }
  tell("layer:changed");
}, true);
