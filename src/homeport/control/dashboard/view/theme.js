/** The button that goes round the themes: as the system, light, dark. theme-first.js applies the choice at load. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const KEY = "homeport.theme";
/** @type {{name: string, label: string, icon: import("./icons.js").IconName}[]} */
const THEMES = [
  { name: "", label: "as the system", icon: "auto" },
  { name: "light", label: "light", icon: "sun" },
  { name: "dark", label: "dark", icon: "moon" },
];

class Theme extends HTMLElement {
  #button = h("button", { type: "button", class: "quiet square", onclick: () => this.#next() });

  connectedCallback() {
    this.append(this.#button);
    this.#draw();
  }

  get #index() {
    const name = document.documentElement.dataset.theme ?? "";
    return Math.max(
      0,
      THEMES.findIndex((theme) => theme.name === name),
    );
  }

  #next() {
    const { name } = THEMES[(this.#index + 1) % THEMES.length];
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // Storage can be forbidden; the choice holds until the page is reloaded.
    }
    this.#draw();
  }

  #draw() {
    const theme = THEMES[this.#index];
    this.#button.replaceChildren(icon(theme.icon));
    this.#button.setAttribute("aria-label", `Colours: ${theme.label}`);
    this.#button.title = `Colours: ${theme.label}`;
  }
}

customElements.define("hp-theme", Theme);
