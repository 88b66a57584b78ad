// A picture that is too large is refused before it is sent.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-picture-form] [type=file]")) return;
  const [file] = input.files;
  const isTooLarge = file && file.size > Number(input.dataset.most);
  const said = document.getElementById(`${input.id.replace("-file", "")}-error`);
  said.hidden = !isTooLarge;
  input.classList.toggle("is-invalid", Boolean(isTooLarge));
  input.toggleAttribute("aria-invalid", Boolean(isTooLarge));
  if (!file || isTooLarge) event.stopImmediatePropagation();
  if (!isTooLarge) return;
  said.querySelector("span").textContent = input.dataset.tooLarge;
  input.setAttribute("aria-invalid", "true");
  input.value = "";
}, true);
