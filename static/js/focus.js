// After a swap the focus is where work goes on: the first bad field, the next row, or the list.
let lost = null;

function place(element) {
  const row = element.closest("tr");
  return row ? { row: [...row.parentNode.children].indexOf(row) } : { row: -1 };
}

function inRow(list, index) {
  const rows = list.querySelectorAll("tbody tr");
  return rows[Math.min(index, rows.length - 1)]?.querySelector("a[href], summary, button");
}

document.addEventListener("htmx:before:swap", (event) => {
  const active = document.activeElement;
  const target = event.detail.tasks.find((task) => task.target?.contains?.(active));
  lost = target && active !== document.body ? place(active) : null;
});

document.addEventListener("htmx:after:settle", (event) => {
  const bad = event.target.isConnected && event.target.querySelector?.("[aria-invalid=true]");
  if (bad) setTimeout(() => bad.focus());
});

document.addEventListener("htmx:finally:swap", () => {
  const list = document.getElementById("list");
  if (lost && list && document.activeElement === document.body) {
    ((lost.row >= 0 && inRow(list, lost.row)) || list).focus({ preventScroll: lost.row < 0 });
  }
  lost = null;
  const said = document.getElementById("said");
  if (said && list?.dataset.count && said.textContent !== list.dataset.count) said.textContent = list.dataset.count;
});
