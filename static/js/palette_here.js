// What the page at hand offers is in the palette too: Adjust…, Refund…, Merge….
const group = () => document.getElementById("palette-here");

export function gather() {
  if (!group()) return;
  for (const old of group().querySelectorAll("[role=option]")) old.remove();
  const line = group().querySelector("template").content.firstElementChild;
  for (const link of document.querySelectorAll("main .page-does a[id]:not([data-new])")) {
    const option = line.cloneNode(true);
    option.id = `palette-here-${link.id}`;
    option.dataset.here = link.id;
    option.querySelector(".words").textContent = link.textContent.trim();
    group().append(option);
  }
}

document.addEventListener("click", (event) => {
  const option = event.target.closest?.("[data-here]");
  if (option) document.getElementById(option.dataset.here)?.click();
});
