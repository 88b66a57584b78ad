// The card shows what is being typed: words, kind, stamps, colours and a picture just chosen.
const HEX = /^#[0-9a-f]{6}$/i;
const MOST_DOTS = 20;
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

const form = () => document.querySelector("[data-card-form]");
const typed = (name) => form()?.elements[name]?.value.trim();

function luminance(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// As the server does: black where it is read at least as well as white.
const inkOn = (hex) => ((luminance(hex) + 0.05) / 0.05 >= 1.05 / (luminance(hex) + 0.05) ? "#000000" : "#FFFFFF");

function colours() {
  const card = typed("card_color");
  if (!HEX.test(card ?? "")) return;
  const ink = inkOn(card);
  const second = typed("card_secondary_color");
  const stamp = HEX.test(second) ? second : ink;
  sheet.replaceSync(`.in-brand { --brand: ${card}; --brand-ink: ${ink};
    --brand-stamp: ${stamp}; --brand-stamp-ink: ${inkOn(stamp)}; }`);
}

function words(card) {
  for (const place of card.querySelectorAll("[data-said]")) {
    const said = typed(place.dataset.said);
    if (said !== undefined) place.textContent = said || place.dataset.empty;
  }
  card.dataset.kind = typed("loyalty_type") ?? card.dataset.kind;
}

function stamps(card) {
  const target = Number(typed("stamps_target"));
  if (!Number.isInteger(target) || target < 1 || target > 100) return;
  const dots = Math.min(target, MOST_DOTS);
  const stamped = Math.floor((dots * 2) / 3);
  const list = card.querySelector("[data-dots]");
  card.querySelector("[data-figure=stamped]").textContent = Math.floor((target * 2) / 3);
  while (list.children.length > dots) list.lastElementChild.remove();
  while (list.children.length < dots) list.append(document.createElement("li"));
  [...list.children].forEach((dot, n) => dot.classList.toggle("stamped", n < stamped));
}

export function draw() {
  const card = document.querySelector("[data-card]");
  if (card && form()) [colours, words, stamps].forEach((part) => part(card));
}

document.addEventListener("input", (event) => {
  if (event.target.form?.matches("[data-card-form]")) draw();
});
document.addEventListener("htmx:after:settle", draw);
draw();
