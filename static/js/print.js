// The foot of a printed page says what is printed and when: the page may have been open for hours.
window.addEventListener("beforeprint", () => {
  const now = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const place of document.querySelectorAll("[data-print-address]")) place.textContent = location.href;
  for (const place of document.querySelectorAll("[data-print-moment]")) place.textContent = now.format(new Date());
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) window.print();
});
