// [data-copy] puts its value on the clipboard and says so.
import { say } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied.", "plain");
  } catch {
    say("The browser did not allow it. Select the text and copy it.");
  }
});
