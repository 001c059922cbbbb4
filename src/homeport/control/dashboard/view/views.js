/** The switch between the views. Apps is a view of its own only where the page is narrow; elsewhere it always stands left. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../data/place.js").ViewName} ViewName */

/** @type {{name: ViewName, label: string}[]} */
const VIEWS = [
  { name: "apps", label: "Apps" },
  { name: "requests", label: "Requests" },
  { name: "logs", label: "Logs" },
];

class Views extends HTMLElement {
  /** @type {Map<ViewName, HTMLButtonElement>} */ #buttons = new Map();

  /** @param {(place: {view: ViewName}) => void} go */
  connect(go) {
    for (const { name, label } of VIEWS) {
      const button = h(
        "button",
        { type: "button", class: "view", data: { view: name }, onclick: () => go({ view: name }) },
        icon(name),
        h("span", {}, label),
      );
      this.#buttons.set(name, button);
      this.append(button);
    }
  }

  /** @param {ViewName} view */
  show(view) {
    document.body.dataset.view = view;
    for (const [name, button] of this.#buttons) {
      const isHere = name === view || (name === "requests" && view === "apps");
      if (name === view) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
      button.classList.toggle("here-when-wide", isHere);
    }
  }
}

customElements.define("hp-views", Views);
