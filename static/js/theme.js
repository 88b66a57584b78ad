// Light or dark, remembered where Tabler's own script looks for it before the page is drawn.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-theme-toggle]")) return;
  const root = document.documentElement;
  const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.dataset.bsTheme = next;
  try {
    localStorage.setItem("tabler-theme", next);
  } catch {
    // A browser that keeps nothing still shows the chosen theme on this page.
  }
  document.dispatchEvent(new CustomEvent("theme:changed"));
});
