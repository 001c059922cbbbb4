/** The keyboard: which key does what, and nothing else. Keys with a modifier belong to the browser. */

import { isTyping } from "./dom.js";

/** @type {[string, string][]} for the help page */
export const KEYS = [
  ["j  ↓", "next request"],
  ["k  ↑", "previous request"],
  ["Enter", "open the request"],
  ["Esc", "close what is open, leave the field"],
  ["/", "filter"],
  ["p", "pause, go on"],
  ["c", "copy the opened request as curl"],
  ["1  2  3  4", "apps, requests, logs, network"],
  ["?", "this help"],
];

/**
 * @param {Record<string, () => void>} actions by key; a key without an action keeps its meaning
 */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) && event.key !== "Escape") return;
    if (document.querySelector("dialog[open]")) return;
    const isButton = event.target instanceof HTMLElement && event.target.matches("button, a, [role=tab], summary");
    if (isButton && (event.key === "Enter" || event.key.startsWith("Arrow"))) return;
    if (isScrollable(event.target) && event.key.startsWith("Arrow")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** Arrows scroll a text that has the focus. @param {EventTarget|null} target */
function isScrollable(target) {
  return target instanceof HTMLElement && target.matches("[data-scrolls]");
}
