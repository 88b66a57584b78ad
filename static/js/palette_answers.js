// The palette and what answers to it: clicks, and what the server found.
import { box, choose, chosen, field, options, show } from "./palette.js";

const found = () => document.getElementById("palette-found");
const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-palette]") || !box() || !isPlain(event)) return;
  event.preventDefault();
  show();
});

// Before what was chosen happens: it may open a dialog of its own.
document.addEventListener("click", (event) => {
  if (isPlain(event) && event.target.closest?.("#palette [role=option]")) box().close();
}, true);

// An answer to what is no longer typed is not shown.
document.addEventListener("htmx:before:swap", (event) => {
  const { request, sourceElement } = event.detail.ctx;
  if (sourceElement !== field()) return;
  const asked = new URL(request.action, location.href).searchParams.get("q");
  if (!box().open || asked !== field().value) event.preventDefault();
});

document.addEventListener("htmx:after:settle", (event) => {
  if (!found() || event.target !== found()) return;
  if (!chosen()) choose(options()[0]);
  const count = options().length;
  const { none, one, many } = box().dataset;
  document.getElementById("palette-said").textContent = [none, one][count] ?? many.replace("{n}", count);
});

if (/Mac|iP(hone|ad)/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-mac]")) key.textContent = key.dataset.mac;
}
