// "/" search, "n" new, "d" dense, "g" and a letter go, "?" help, Escape leaves an edited row.
let going = false;
let edited = null;

// htmx takes hold of the links a moment after the page is there: a key pressed before that waits for it.
const held = new Promise((resolve) => {
  document.addEventListener("htmx:after:process", resolve, { once: true });
  setTimeout(resolve, 1000);
});

// Off wherever people type.
export const isTyping = (event) => Boolean(event.target.closest?.("input, select, textarea, [contenteditable]"));
export const openDialog = () => document.querySelector("dialog[open]");

function help() {
  for (const line of document.querySelectorAll("#keys [data-needs]")) line.hidden = !document.querySelector(line.dataset.needs);
  document.getElementById("keys")?.showModal();
  document.dispatchEvent(new CustomEvent("layer:changed"));
}

// The row that holds the focus, else the one that held it last.
function cancelOf(element) {
  const row = element.closest?.("tr.editing") ?? (edited?.isConnected ? edited : null);
  return (row ?? [...document.querySelectorAll("tr.editing")].at(-1))?.querySelector("[data-cancel]");
}

document.addEventListener("focusin", (event) => {
  edited = event.target.closest?.("tr.editing") ?? edited;
});

const keys = {
  "/": () => document.getElementById("q"),
  n: () => document.querySelector("[data-new]"),
  d: () => document.querySelector("[data-density-toggle]"),
  "?": help,
  g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !openDialog()) cancelOf(event.target)?.click();
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || openDialog()) return;
  const place = going && document.querySelector(`[data-nav] [data-letter="${CSS.escape(event.key)}"]`);
  going = false;
  const found = place || keys[event.key]?.();
  if (!found) return;
  event.preventDefault();
  if (found.id === "q") found.select();
  else held.then(() => found.click());
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-keys]")) help();
});
