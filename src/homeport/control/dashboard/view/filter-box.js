/**
 * The filter of the requests: a text field that suggests terms while one types (the combobox pattern of ARIA 1.2). It
 * hands the text on; the engine decides whether it understands it, and `problem` shows what it said.
 */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { suggest } from "../text/language.js";

const SETTLED_MS = 250;

export class FilterBox extends EventTarget {
  #input = h("input", {
    type: "text",
    class: "filter-input mono",
    placeholder: "Filter: status:5xx  path:/users  -type:css",
    "aria-label": "Filter requests",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "filter-hints",
    "aria-autocomplete": "list",
    "aria-describedby": "filter-problem",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    enterkeyhint: "search",
    "aria-keyshortcuts": "/",
  });
  #key = h("kbd", { class: "slash", "aria-hidden": "true" }, "/");
  #clear = h(
    "button",
    {
      type: "button",
      class: "quiet square clear",
      "aria-label": "Clear the filter",
      hidden: true,
      onclick: () => this.#use(""),
    },
    icon("close"),
  );
  #hints = h("ul", { id: "filter-hints", class: "hints", role: "listbox", "aria-label": "Filter terms", hidden: true });
  #problem = h("p", { id: "filter-problem", class: "filter-problem", role: "alert", hidden: true });
  node = h(
    "div",
    { class: "filter", role: "search" },
    h("div", { class: "filter-field" }, this.#input, this.#key, this.#clear),
    this.#hints,
    this.#problem,
  );
  #names;
  #timer = 0;
  #chosen = -1;
  /** @type {{from: number, to: number, hints: import("../text/language.js").Hint[]}} */ #offer = {
    from: 0,
    to: 0,
    hints: [],
  };

  /** @param {() => {route: string[], host: string[]}} names what can be suggested for `route:` and `host:` */
  constructor(names) {
    super();
    this.#names = names;
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("focus", () => this.#suggest());
    this.#input.addEventListener("click", () => this.#suggest());
    this.#input.addEventListener("blur", () => this.#close());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    // The field keeps the focus while a hint is pressed.
    this.#hints.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get text() {
    return this.#input.value.trim();
  }

  /** @param {string} text */
  set text(text) {
    this.#input.value = text;
    this.#clear.hidden = !text;
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  /** What the engine said about the filter. @param {string} sentence @param {string} [hint] */
  problem(sentence, hint = "") {
    this.#problem.hidden = !sentence;
    this.#problem.textContent = hint ? `${sentence} (${hint})` : sentence;
    this.#input.setAttribute("aria-invalid", String(Boolean(sentence)));
  }

  /** @param {string} text */
  #use(text) {
    this.text = text;
    this.#input.focus();
    this.#tell();
  }

  #typed() {
    this.#clear.hidden = !this.#input.value;
    this.#suggest();
    clearTimeout(this.#timer);
    if (!isUnfinished(this.#input.value)) this.#timer = window.setTimeout(() => this.#tell(), SETTLED_MS);
  }

  #tell() {
    clearTimeout(this.#timer);
    this.dispatchEvent(new Event("change"));
  }

  #suggest() {
    const caret = this.#input.selectionStart ?? this.#input.value.length;
    this.#offer = suggest(this.#input.value, caret, this.#names());
    this.#chosen = -1;
    this.#hints.replaceChildren(
      ...this.#offer.hints.map(({ term, about }, index) =>
        h(
          "li",
          { role: "option", id: `filter-hint-${index}`, onclick: () => this.#take(index) },
          h("code", {}, term),
          h("span", {}, about),
        ),
      ),
    );
    this.#show(this.#offer.hints.length > 0);
  }

  /** @param {number} index */
  #take(index) {
    const { term } = this.#offer.hints[index];
    const value = this.#input.value;
    const { from, to } = this.#offer;
    const space = term.endsWith(":") || value.slice(to).startsWith(" ") ? "" : " ";
    this.text = value.slice(0, from) + term + space + value.slice(to);
    const caret = from + term.length + space.length;
    this.#input.setSelectionRange(caret, caret);
    if (term.endsWith(":")) return this.#suggest();
    this.#tell();
    return this.#close();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const isOpen = !this.#hints.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!isOpen) this.#suggest();
      else this.#choose(this.#chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if ((event.key === "Enter" || event.key === "Tab") && isOpen && this.#chosen >= 0) {
      this.#take(this.#chosen);
    } else if (event.key === "Enter") {
      this.#close();
      this.#tell();
    } else if (event.key === "Escape" && isOpen) {
      this.#close();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** @param {number} index */
  #choose(index) {
    const options = [...this.#hints.children];
    this.#chosen = (index + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#chosen)));
    options[this.#chosen].scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", options[this.#chosen].id);
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#hints.hidden = !isOpen;
    this.#input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) this.#input.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.#show(false);
  }
}

/** `status:` and `"two wor` will become terms; asking the engine now would only bring a complaint. @param {string} text */
function isUnfinished(text) {
  const isOpenQuote = text.split('"').length % 2 === 0;
  return isOpenQuote || /(^|\s)-?\w+:$|(^|\s)-$/.test(text);
}
