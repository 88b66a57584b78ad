// Filters: empty ones leave no trace in the address, each choice is a step Back undoes, typing is none.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement.id !== "filters") return;
  for (const [name, value] of [...ctx.request.body]) if (value === "") ctx.request.body.delete(name);
  if (!ctx.sourceEvent?.target.matches("select, [type=checkbox], [type=date]")) [ctx.push, ctx.replace] = [null, "true"];
});

// Escape empties the search; in an empty one it leaves the field, and the keys work again.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Escape" || field.id !== "q" || field.form?.id !== "filters" || event.isComposing) return;
  event.preventDefault();
  if (!field.value) {
    field.blur();
    return;
  }
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// How many filters narrow the list, said where they are folded away.
document.addEventListener("change", (event) => {
  const fold = event.target.closest?.("#filter-fold");
  if (!fold) return;
  const fields = [...fold.querySelectorAll("select, input")];
  const used = fields.filter((field) => (field.type === "checkbox" ? field.checked : field.value)).length;
  const count = fold.querySelector("[data-filter-count]");
  count.firstElementChild.textContent = used;
  count.hidden = !used;
});
