/** Copying: the button beside a command, and the act itself (which falls back where the clipboard is not allowed). */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./toast.js";

const MARKED_MS = 1600;

/** @param {string} text @returns {Promise<boolean>} */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** For pages that are no secure context. @param {string} text @returns {boolean} */
function copyBySelection(text) {
  const focused = /** @type {HTMLElement|null} */ (document.activeElement);
  const field = h("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}

/**
 * A button that copies and shows that it did.
 * @param {string} name what it copies, for its label
 * @param {() => string} text
 * @param {{label?: string, said?: () => string}} [more] a visible label; what to say afterwards
 */
export function copyButton(name, text, more = {}) {
  const button = h("button", {
    type: "button",
    class: more.label ? "quiet copy" : "quiet square copy",
    "aria-label": more.label ? null : `Copy ${name}`,
    title: `Copy ${name}`,
  });
  const draw = (/** @type {boolean} */ isDone) =>
    button.replaceChildren(icon(isDone ? "done" : "copy"), ...(more.label ? [h("span", {}, more.label)] : []));
  draw(false);
  button.addEventListener("click", async () => {
    const isDone = await copy(text());
    if (isDone) {
      draw(true);
      setTimeout(() => draw(false), MARKED_MS);
    }
    toast(isDone ? (more.said?.() ?? `Copied ${name}.`) : "The browser did not allow copying.");
  });
  return button;
}

/** A command to type, with its button. @param {string} command */
export function commandLine(command) {
  return h(
    "div",
    { class: "command" },
    h("code", {}, command),
    copyButton("the command", () => command),
  );
}
