// A form goes once: pressed again while its page is on the way, nothing more is sent (htmx sees to its own).
// Back finds it ready again.
const WAIT_MS = 10000; // an answer that leaves the page where it is, such as a file
const MARK = "underWay";
const ready = (form) => { if (form?.dataset) delete form.dataset[MARK]; };

document.addEventListener("submit", (event) => {
  if (!(MARK in event.target.dataset)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  form.dataset[MARK] = "";
  setTimeout(ready, WAIT_MS, form);
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-under-way]").forEach(ready));
