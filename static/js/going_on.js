// Whoever pressed something that is gone goes on where work is: the open dialog, the list, the page.
export function goOn() {
  if (document.activeElement !== document.body) return;
  const place = document.querySelector("dialog[open]") ?? document.getElementById("list") ?? document.querySelector("main");
  place?.focus({ preventScroll: true });
}
