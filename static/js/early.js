// Runs before the page is drawn, so that lists do not jump: as dense as they were left on this device.
try {
  if (localStorage.getItem("carnet-density") === "dense") document.documentElement.dataset.density = "dense";
} catch {
  // A browser that keeps nothing shows comfortable lists.
}
