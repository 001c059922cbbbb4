/** Tabs as ARIA describes them: one stop for the Tab key, arrows move between them, panels are made when first shown. */

import { h } from "./dom.js";

/** @typedef {{name: string, label: string, fill: () => Node[]}} TabSpec */

let made = 0;

export class Tabs {
  node = h("div", { class: "tabs" });
  chosen = "";
  #list = h("div", { class: "tab-list", role: "tablist", "aria-label": "Parts of the request" });
  #panel = h("div", { class: "tab-panel", role: "tabpanel", tabindex: "0", "data-scrolls": true });
  #id = `tabs-${(made += 1)}`;
  /** @type {TabSpec[]} */ #specs = [];

  constructor() {
    this.#panel.id = `${this.#id}-panel`;
    this.node.append(this.#list, this.#panel);
    this.#list.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Show these tabs; the chosen one stays chosen where it is still there. @param {TabSpec[]} specs */
  show(specs) {
    const hadFocus = this.#list.contains(document.activeElement);
    const scrolled = this.#panel.scrollTop;
    this.#specs = specs;
    this.#list.replaceChildren(...specs.map((spec) => this.#tab(spec)));
    this.choose(specs.some(({ name }) => name === this.chosen) ? this.chosen : specs[0].name, hadFocus);
    this.#panel.scrollTop = scrolled;
  }

  /** @param {string} name @param {boolean} [moveFocus] */
  choose(name, moveFocus = false) {
    if (name !== this.chosen) this.#panel.scrollTop = 0;
    this.chosen = name;
    for (const tab of /** @type {HTMLElement[]} */ ([...this.#list.children])) {
      const isChosen = tab.dataset.name === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (!isChosen) continue;
      this.#panel.setAttribute("aria-labelledby", tab.id);
      if (moveFocus) tab.focus();
    }
    this.#panel.replaceChildren(...(this.#specs.find((spec) => spec.name === name)?.fill() ?? []));
  }

  /** @param {TabSpec} spec */
  #tab({ name, label }) {
    return h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `${this.#id}-${name}`,
        "aria-controls": this.#panel.id,
        data: { name },
        onclick: () => this.choose(name),
      },
      label,
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = this.#specs.findIndex(({ name }) => name === this.chosen);
    this.choose(this.#specs[(at + step + this.#specs.length) % this.#specs.length].name, true);
  }
}
