/** The help: keys on one side, the filter language on the other. Opened by "?". */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { KEYS } from "./keys.js";
import { EXAMPLES, TERMS } from "../text/language.js";

class Help extends HTMLElement {
  #dialog = h("dialog", { class: "help", "aria-labelledby": "help-title" });

  connectedCallback() {
    this.append(this.#dialog);
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  toggle() {
    if (this.#dialog.open) return this.#dialog.close();
    this.#dialog.replaceChildren(
      h(
        "header",
        {},
        h("h2", { id: "help-title" }, "Help"),
        h(
          "button",
          { type: "button", class: "quiet square", "aria-label": "Close", onclick: () => this.#dialog.close() },
          icon("close"),
        ),
      ),
      h("div", { class: "help-columns" }, keys(), language()),
    );
    this.#dialog.showModal();
    return undefined;
  }
}

function keys() {
  return h(
    "section",
    {},
    h("h3", {}, "Keys"),
    h(
      "dl",
      {},
      KEYS.map(([key, does]) =>
        h(
          "div",
          {},
          h(
            "dt",
            {},
            key.split("  ").map((one) => h("kbd", {}, one)),
          ),
          h("dd", {}, does),
        ),
      ),
    ),
  );
}

function language() {
  return h(
    "section",
    {},
    h("h3", {}, "Filter"),
    h(
      "p",
      {},
      "Terms are joined by spaces and all must match. A minus before a term turns it round; quotes keep spaces. A bare word matches in method, host, path, route and status.",
    ),
    h("dl", { class: "terms" }, TERMS.map(row)),
    h("h3", {}, "Together"),
    h("dl", { class: "terms long" }, EXAMPLES.map(row)),
  );
}

/** @param {import("../text/language.js").Hint} hint */
function row({ term, about }) {
  return h("div", {}, h("dt", {}, h("code", {}, term)), h("dd", {}, about));
}

customElements.define("hp-help", Help);
