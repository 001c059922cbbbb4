/**
 * The switch between the views, with the number of routes whose network is changed. Apps is a view of its own only where
 * the page is narrow; elsewhere it always stands left.
 */

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { counted } from "../text/format.js";

/** @typedef {import("../data/place.js").ViewName} ViewName */

/** @type {{name: ViewName, label: string}[]} */
const VIEWS = [
  { name: "apps", label: "Apps" },
  { name: "requests", label: "Requests" },
  { name: "logs", label: "Logs" },
  { name: "network", label: "Network" },
];

class Views extends HTMLElement {
  #badge = h("span", { class: "badge", hidden: true });
  /** @type {Map<ViewName, HTMLButtonElement>} */ #buttons = new Map();

  /** @param {{go: (place: {view: ViewName}) => void, networks: import("../data/networks.js").Networks}} parts */
  connect({ go, networks }) {
    networks.addEventListener("change", () => {
      const changed = new Set(networks.all.map(({ route }) => route)).size;
      this.#badge.hidden = changed === 0;
      setText(this.#badge, String(changed));
      this.#badge.title = `${counted(changed, "route")} with a changed network`;
    });
    for (const { name, label } of VIEWS) {
      const button = h(
        "button",
        { type: "button", class: "view", data: { view: name }, onclick: () => go({ view: name }) },
        icon(name),
        h("span", {}, label),
        name === "network" && this.#badge,
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
