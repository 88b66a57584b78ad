// The crumb above a thing leads back to its list as it was filtered, sorted and turned; the navigation to all of it.
const kept = (path) => `list:${path}`;

function remember() {
  if (!document.getElementById("filters") || !document.getElementById("list")) return;
  try {
    sessionStorage.setItem(kept(location.pathname), location.search);
  } catch {
    // A browser that keeps nothing leads back to the whole list.
  }
}

function lead() {
  for (const crumb of document.querySelectorAll(".crumbs a")) {
    try {
      if (!crumb.search) crumb.search = sessionStorage.getItem(kept(crumb.pathname)) ?? "";
    } catch {
      return;
    }
  }
}

for (const moment of ["htmx:after:history:update", "htmx:after:settle", "pageshow"]) {
  window.addEventListener(moment, () => { remember(); lead(); });
}
remember();
lead();
