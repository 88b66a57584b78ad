// <details> menus: one open at a time, closed by Escape, by a click elsewhere and by a choice made in them.
const open = () => document.querySelectorAll("details[data-fold][open]");

document.addEventListener("click", (event) => {
  for (const fold of open()) {
    const chosen = event.target.closest?.(".menu-body a, .menu-body button");
    if (fold.contains(chosen)) fold.querySelector("summary").focus();
    if (!fold.contains(event.target) || fold.contains(chosen)) fold.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const fold of open()) {
    fold.open = false;
    fold.querySelector("summary").focus();
  }
});
