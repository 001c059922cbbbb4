/** First line and headers in wire order. Values that are secrets are hidden until one asks for them. */

import { copyButton } from "./copy.js";
import { h } from "./dom.js";
import { isSecret, masked } from "../text/http.js";

/** @typedef {import("../data/types.js").Head} Head */

/** @param {Head} head */
export function headView(head) {
  const rows = head.headers.map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, isSecret(name) ? secret(name, value) : value)),
  );
  const text = () => [head.line, ...head.headers.map(([name, value]) => `${name}: ${value}`)].join("\n");
  return h(
    "section",
    { class: "head" },
    h("div", { class: "part-title" }, h("h3", { class: "mono" }, head.line), copyButton("the head", text)),
    rows.length
      ? h("table", { class: "headers", "aria-label": "Headers" }, h("tbody", {}, rows))
      : h("p", { class: "soft" }, "No headers."),
  );
}

/** @param {string} name @param {string} value */
function secret(name, value) {
  const button = h("button", { type: "button", class: "secret" });
  let isOpen = false;
  const draw = () => {
    button.textContent = isOpen ? value : masked(value);
    button.setAttribute("aria-label", isOpen ? `${name}: ${value}. Hide it` : `Show the value of ${name}`);
    button.title = isOpen ? "Hide" : "Show";
  };
  button.addEventListener("click", () => {
    isOpen = !isOpen;
    draw();
  });
  draw();
  return button;
}
