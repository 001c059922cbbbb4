/** One line of a log as DOM: time, app, text in its terminal colours. Classes for the palette, CSSOM for other colours. */

import { h } from "./dom.js";
import { clock, moment } from "../text/format.js";
import { PLAIN, parse } from "../text/ansi.js";

/** @typedef {import("../data/types.js").LogLine} LogLine */

const HUES = 6;

export class LineMaker {
  /** @type {Map<string, number>} a hue for each app, in the order in which they came */ #hues = new Map();
  /** @type {Map<string, import("../text/ansi.js").Style>} what an unfinished line left behind */ #open = new Map();

  /** @param {LogLine} line @returns {HTMLElement} */
  make(line) {
    const key = `${line.app}/${line.stream}`;
    const { runs, style } = parse(line.text, this.#open.get(key) ?? PLAIN);
    if (line.continues) this.#open.set(key, style);
    else this.#open.delete(key);
    return h(
      "div",
      { class: "log-line", data: { stream: line.stream } },
      h("span", { class: "at", title: moment(line.at) }, clock(line.at)),
      h("span", { class: `who hue-${this.#hue(line.app)}` }, line.app),
      h("span", { class: "said" }, runs.map(runNode)),
    );
  }

  /** @param {string} app */
  #hue(app) {
    let hue = this.#hues.get(app);
    if (hue === undefined) this.#hues.set(app, (hue = this.#hues.size % HUES));
    return hue;
  }
}

/** @param {import("../text/ansi.js").Run} run @returns {Node|string} */
function runNode({ text, style }) {
  if (style === PLAIN) return text;
  const classes = [];
  for (const flag of /** @type {const} */ (["bold", "dim", "italic", "underline", "strike"])) if (style[flag]) classes.push(flag);
  let { fg, bg } = style;
  if (style.inverse) {
    classes.push("inverse");
    [fg, bg] = [bg, fg];
  }
  if (typeof fg === "number") classes.push(`fg-${fg}`);
  if (typeof bg === "number") classes.push(`bg-${bg}`);
  const node = h("span", { class: classes.join(" ") || null }, text);
  if (typeof fg === "string") node.style.color = fg;
  if (typeof bg === "string") node.style.backgroundColor = bg;
  return node;
}
