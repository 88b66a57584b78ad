// What people typed and have not saved, in a sheet or in an edited row, and the question before it is lost.
const FORMS = "form[data-sheet], tr.editing form";
const FIELDS = "input:not([type=hidden]), select, textarea";
let sent = null;

function differs(field) {
  if (!field.name || field.disabled || !field.matches(FIELDS)) return false;
  if (field.type === "file") return field.files.length > 0;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "color") return field.value !== field.defaultValue.toLowerCase();
  if (!field.options) return field.value !== field.defaultValue;
  const options = [...field.options];
  const first = !field.multiple && !options.some((option) => option.defaultSelected);
  return first ? field.selectedIndex > 0 : options.some((option) => option.selected !== option.defaultSelected);
}

// A form that was refused shows what was typed; nothing of it is saved.
function isRefused(form) {
  const bad = [...form.elements].some((field) => field.getAttribute("aria-invalid") === "true");
  return bad || Boolean((form.closest("tr") ?? form).querySelector("[role=alert]"));
}

const isTyped = (form) => form !== sent && ([...form.elements].some(differs) || isRefused(form));

export function typed(root = document) {
  const forms = [...root.querySelectorAll(FORMS)];
  if (root.matches?.(FORMS)) forms.push(root);
  return forms.filter(isTyped);
}

// The sentence stands on the body: askClose or askLeave.
export function mayLeave(root, way) {
  return typed(root).length === 0 || window.confirm(document.body.dataset[way]);
}

export function send(form) {
  if (form.matches?.(FORMS)) sent = form;
}

// Refused: it is unsaved again. Saved and still there: what it shows is what is kept.
export function answered(form, isSaved) {
  if (form !== sent) return;
  sent = null;
  if (!isSaved) return;
  for (const field of form.elements) {
    if (field.options) for (const option of field.options) option.defaultSelected = option.selected;
    else if (field.type === "checkbox" || field.type === "radio") field.defaultChecked = field.checked;
    else if (field.matches(FIELDS) && field.type !== "file") field.defaultValue = field.value;
  }
}

document.addEventListener("input", (event) => { if (event.target.form === sent) sent = null; });
