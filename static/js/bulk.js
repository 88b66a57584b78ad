// How many rows are chosen, and the checkbox that chooses a page of them.
const picks = () => [...document.querySelectorAll("#list .pick input[name]")];

function count() {
  const all = picks();
  const chosen = all.filter((pick) => pick.checked).length;
  const head = document.querySelector("[data-pick-all]");
  const words = document.querySelector("[data-bulk-count]");
  if (head) {
    head.checked = chosen > 0 && chosen === all.length;
    head.indeterminate = chosen > 0 && chosen < all.length;
  }
  if (words) words.textContent = words.dataset[chosen === 1 ? "one" : "many"].replace("{n}", chosen);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) {
    picks().forEach((pick) => { pick.checked = event.target.checked; });
  }
  if (event.target.closest(".pick")) count();
});
