// The foot of a printed page says what is printed and when: the page may have been open for hours.
const PARTS = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

// As the screens write it, in the merchant's zone whatever clock the browser keeps: 22 Nov 2026, 14:05.
function moment({ zone, locale }) {
  const written = new Intl.DateTimeFormat(locale ?? document.documentElement.lang, { ...PARTS, timeZone: zone });
  const said = Object.fromEntries(written.formatToParts(new Date()).map(({ type, value }) => [type, value]));
  return `${said.day} ${said.month} ${said.year}, ${said.hour}:${said.minute}`;
}

window.addEventListener("beforeprint", () => {
  for (const place of document.querySelectorAll("[data-print-address]")) place.textContent = location.href;
  for (const place of document.querySelectorAll("[data-print-moment]")) place.textContent = moment(place.dataset);
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) window.print();
});
