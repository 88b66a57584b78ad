// [data-copy] puts its value on the clipboard and says so.
import { say, words } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(words("copied"), "plain");
  } catch {
    say(words("uncopied"));
  }
});
