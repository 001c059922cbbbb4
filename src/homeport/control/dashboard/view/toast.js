/** One short message at the edge of the page: what was copied, what went wrong. It never holds anything up. */

import { ApiError } from "../data/api.js";
import { h } from "./dom.js";

const SHOWN_MS = 5000;
const SHOWN_PROBLEM_MS = 12000;

class Toast extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.setAttribute("role", "status");
    this.setAttribute("aria-live", "polite");
  }

  /** @param {string} text @param {string} [hint] @param {boolean} [isProblem] */
  show(text, hint = "", isProblem = false) {
    clearTimeout(this.#timer);
    this.replaceChildren(
      h(
        "div",
        { class: isProblem ? "toast problem" : "toast" },
        h("p", {}, text),
        hint && h("p", { class: "hint" }, hint),
      ),
    );
    this.#timer = window.setTimeout(() => this.replaceChildren(), isProblem ? SHOWN_PROBLEM_MS : SHOWN_MS);
  }
}

customElements.define("hp-toast", Toast);

/** @param {string} text @param {string} [hint] */
export function toast(text, hint = "") {
  /** @type {Toast|null} */ (document.querySelector("hp-toast"))?.show(text, hint);
}

/** @param {unknown} problem what was thrown */
export function toastProblem(problem) {
  if (problem instanceof ApiError && problem.status === 401) return; // the whole page says that
  const text = problem instanceof Error ? problem.message : String(problem);
  const hint = problem instanceof ApiError ? problem.hint : "";
  /** @type {Toast|null} */ (document.querySelector("hp-toast"))?.show(text, hint, true);
}
