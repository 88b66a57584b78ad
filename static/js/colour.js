// The browser's picker and the text of a colour say the same; the text is what is sent.
document.addEventListener("input", (event) => {
  const { colourOf, } = event.target.dataset;
  if (colourOf) {
    const text = document.getElementById(colourOf);
    text.value = event.target.value.toUpperCase();
    text.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  const picker = event.target.id && document.querySelector(`[data-colour-of="${event.target.id}"]`);
  if (picker && /^#[0-9a-f]{6}$/i.test(event.target.value)) picker.value = event.target.value;
});
