// "/" search, "n" new, "g" and a letter go, "?" help, Escape leaves an edited row. Off wherever people type.
let going = false;
let edited = null;

// Each place gets the first letter of its name that no other place has yet.
function places() {
  const found = new Map();
  for (const link of document.querySelector("[data-nav]")?.querySelectorAll("a") ?? []) {
    const letter = [...link.textContent.trim().toLowerCase()].find((each) => /\p{L}/u.test(each) && !found.has(each));
    if (letter) found.set(letter, link);
  }
  return found;
}

function help() {
  const list = document.querySelector("[data-go-list]");
  if (!list) return;
  list.replaceChildren(...[...places()].flatMap(([letter, link]) => {
    const [term, words] = [document.createElement("dt"), document.createElement("dd")];
    for (const key of ["g", letter]) term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    words.textContent = link.textContent.trim();
    return [term, words];
  }));
  list.closest("dialog").showModal();
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
  "?": help,
  g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) cancelOf(event.target)?.click();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const place = going && places().get(event.key);
  going = false;
  const found = place || keys[event.key]?.();
  if (!found) return;
  event.preventDefault();
  if (found.id === "q") found.select();
  else found.click();
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-keys]")) help();
});
