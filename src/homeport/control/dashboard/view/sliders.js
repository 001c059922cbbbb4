/**
 * Latency, jitter, loss and bandwidth as sliders, for both ways together or each by itself. They say what was chosen as
 * words of conditions; who sends them is not theirs.
 */

import { h, setText } from "./dom.js";
import { MEASURES, SIDES, inWords, parse, stopOf, valueOf, withValue } from "../text/conditions.js";

/** @typedef {import("../text/conditions.js").Side} Side */
/** @typedef {import("../text/conditions.js").Words} Words */
/** @typedef {import("../text/conditions.js").Measure} Measure */
/** @typedef {{sides: Side[], measure: Measure, input: HTMLInputElement, value: HTMLElement}} Slider */

const NAMES = { up: "up", down: "down", both: "both ways" };

export class Sliders {
  node = h("div", { class: "sliders", role: "group", "aria-label": "Network conditions" });
  #split = h("input", { type: "checkbox", id: "each-way" });
  /** @type {Slider[]} */ #sliders = [];
  #words = parse("");
  #isSplit = false;
  #chosen;

  /** @param {(words: Words) => void} chosen */
  constructor(chosen) {
    this.#chosen = chosen;
    this.#split.addEventListener("change", () => {
      this.#isSplit = this.#split.checked;
      this.#build();
    });
    this.#build();
  }

  /** @param {Words} words */
  show(words) {
    this.#words = words;
    const differs = MEASURES.some((measure) => valueOf(words, "up", measure) !== valueOf(words, "down", measure));
    this.#split.disabled = differs;
    if (differs && !this.#isSplit) {
      this.#isSplit = true;
      this.#build();
    }
    for (const slider of this.#sliders) this.#draw(slider);
  }

  #build() {
    this.#split.checked = this.#isSplit;
    /** @type {Side[][]} */
    const groups = this.#isSplit ? SIDES.map((side) => [side]) : [SIDES];
    this.#sliders = [];
    this.node.classList.toggle("split", this.#isSplit);
    this.node.replaceChildren(
      h(
        "div",
        { class: "slider-heads" },
        h("label", { class: "each-way" }, this.#split, "each way by itself"),
        groups.map((sides) => h("span", { class: "slider-head" }, headOf(sides))),
      ),
      ...MEASURES.map((measure) =>
        h(
          "div",
          { class: "slider-row" },
          h("span", { class: "slider-name" }, measure.label, h("small", {}, measure.about)),
          groups.map((sides) => this.#slider(measure, sides)),
        ),
      ),
    );
    this.show(this.#words);
  }

  /** @param {Measure} measure @param {Side[]} sides */
  #slider(measure, sides) {
    const which = sides.length > 1 ? NAMES.both : NAMES[sides[0]];
    const input = h("input", {
      type: "range",
      min: "0",
      max: String(measure.stops.length - 1),
      step: "1",
      "aria-label": `${measure.label}, ${which}`,
      data: { key: measure.key, side: sides.length > 1 ? "both" : sides[0] },
    });
    const slider = { sides, measure, input, value: h("output", {}) };
    input.addEventListener("input", () => {
      this.#words = withValue(this.#words, sides, measure, measure.stops[Number(input.value)]);
      this.#draw(slider);
      this.#chosen(this.#words);
    });
    this.#sliders.push(slider);
    return h("span", { class: "slider" }, input, slider.value);
  }

  /** @param {Slider} slider */
  #draw({ sides, measure, input, value }) {
    const now = valueOf(this.#words, sides[0], measure);
    const stop = String(stopOf(measure, now));
    if (input.value !== stop) input.value = stop;
    const words = inWords(measure.key, now);
    setText(value, words);
    value.classList.toggle("is-none", now === measure.none);
    input.setAttribute("aria-valuetext", words);
    const part = Number(stop) / (measure.stops.length - 1);
    input.style.setProperty("--part", String(measure.none === 0 ? part : 1 - part));
    input.classList.toggle("from-right", measure.none !== 0);
  }
}

/** @param {Side[]} sides */
function headOf(sides) {
  if (sides.length > 1) return "each way";
  return sides[0] === "up" ? "↑ up: what clients send" : "↓ down: what they get";
}
