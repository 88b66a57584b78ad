// Dense or comfortable lists, remembered on this device; early.js sets it before the page is drawn.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-density-toggle]")) return;
  const root = document.documentElement;
  if (root.dataset.density) delete root.dataset.density;
  else root.dataset.density = "dense";
  try {
    localStorage.setItem("carnet-density", root.dataset.density ?? "comfortable");
  } catch {
    // A browser that keeps nothing still shows it on this page.
  }
});
