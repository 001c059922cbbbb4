/** One line of a log as DOM: time, app, text in its terminal colours. Classes for the palette, CSSOM for other colours. */

import { h } from "./dom.js";
import { clock, moment } from "../text/format.js";
import { PLAIN, parse } from "../text/ansi.js";

/** @typedef {import("../data/types.js").LogLine} LogLine */

const HUES = 6;

export class LineMaker {
  /** @type {Map<string, number>} a hue for each app, in the order in which they came */ #hues = new Map();
  #formerApp = "";
  /** @type {Map<string, import("../text/ansi.js").Style>} what an unfinished line left behind */ #open = new Map();

  /** @param {LogLine} line @returns {HTMLElement} */
  make(line) {
    const key = `${line.app}/${line.stream}`;
    const { runs, style } = parse(line.text, this.#open.get(key) ?? PLAIN);
    if (line.continues) this.#open.set(key, style);
    else this.#open.delete(key);
    const isSame = line.app === this.#formerApp;
    this.#formerApp = line.app;
    return h(
      "div",
      { class: isSame ? "log-line same" : "log-line", data: { stream: line.stream } },
      h(
        "span",
        { class: "at", title: `${moment(line.at)}${line.stream === "err" ? ", standard error" : ""}` },
        clock(line.at),
      ),
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
  for (const flag of /** @type {const} */ (["bold", "dim", "italic", "underline", "strike"]))
    if (style[flag]) classes.push(flag);
  let { fg, bg } = style;
  if (style.inverse && fg === null && bg === null) classes.push("inverse");
  else if (style.inverse) [fg, bg] = [bg, fg];
  if (typeof fg === "number") classes.push(`fg-${fg}`);
  if (typeof bg === "number") classes.push(`bg-${bg}`);
  if (typeof fg === "string") classes.push("own-colour");
  const node = h("span", { class: classes.join(" ") || null }, text);
  if (typeof fg === "string") node.style.setProperty("--own", fg);
  if (typeof bg === "string") {
    node.style.backgroundColor = bg;
    node.style.color = isLight(bg) ? "#000" : "#fff"; // any other colour might not be readable on it
  }
  return node;
}

/** @param {string} hex "#rrggbb" @returns {boolean} whether black reads better on it than white (WCAG luminance) */
function isLight(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(hex.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
}
