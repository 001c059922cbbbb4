/**
 * Lines over the last minute, drawn as SVG in the size that there is: a grid with round numbers, what was asked for as a
 * dashed level, the moments at which conditions changed. It measures nothing; what it shows last stands in data attributes.
 */

import { h, setText } from "./dom.js";
import { KEPT_MS } from "../data/measures.js";

/** @typedef {{name: string, label: string, minor?: boolean}} Line `minor`: drawn thin, beside another one */
/** @typedef {{at: number, value: number|null}} Point */
/** @typedef {{now: number, points: Record<string, Point[]>, marks: {at: number, text: string}[],
 *             levels: {name: string, value: number}[]}} Picture */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 168;
const EDGE = { top: 20, right: 10, bottom: 20, left: 62 };
const JOINED_MS = 3200; // what lies further apart is not joined: nobody knows what was between
const MARK_LETTERS = 22;
const LETTER_PX = 6.2; // about, of the words beside a mark
const CLEARED = "cleared";

export class Plot {
  node;
  #lines;
  #unit;
  #least;
  #legend = h("span", { class: "legend" });
  #asked = h("span", { class: "asked", hidden: true }, h("i", {}), "asked for");
  #svg = make("svg", { role: "img", class: "plot-lines" });
  #empty = h("p", { class: "plot-empty", hidden: true });
  /** @type {Picture|null} */ #picture = null;
  #width = 0;

  /**
   * @param {string} title
   * @param {Line[]} lines
   * @param {{unit: (value: number) => string, least: number, empty: Node[]}} how `least`: the smallest top of the scale
   */
  constructor(title, lines, { unit, least, empty }) {
    this.#lines = lines;
    this.#unit = unit;
    this.#least = least;
    this.#empty.append(...empty);
    const ground = h("div", { class: "plot-ground" });
    ground.append(this.#svg, this.#empty);
    this.node = h("figure", { class: "plot" }, h("figcaption", {}, h("h3", {}, title), this.#legend), ground);
    this.#svg.dataset.title = title;
    new ResizeObserver(([entry]) => {
      this.#width = Math.round(entry.contentRect.width);
      if (this.#picture) this.draw(this.#picture);
    }).observe(ground);
  }

  /** @param {Picture} picture */
  draw(picture) {
    this.#picture = picture;
    const known = this.#lines.map((line) => ({ line, last: lastOf(picture.points[line.name] ?? [], picture.now) }));
    this.#tell(known);
    if (this.#width < 120) return;
    const top = niceTop(Math.max(this.#least, ...allOf(picture)));
    const x = (/** @type {number} */ at) =>
      EDGE.left + (1 - (picture.now - at) / KEPT_MS) * (this.#width - EDGE.left - EDGE.right);
    const y = (/** @type {number} */ value) => HEIGHT - EDGE.bottom - (value / top) * (HEIGHT - EDGE.top - EDGE.bottom);
    this.#svg.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    this.#svg.replaceChildren(
      ...this.#grid(top, x, y, picture.now),
      ...picture.levels.filter(({ value }) => value <= top).map(({ name, value }) => this.#level(name, y(value))),
      ...this.#marks(picture.marks, x),
      ...this.#lines.toReversed().flatMap((line) => curve(line, picture, x, y)),
    );
  }

  /** @param {{line: Line, last: number|null}[]} known */
  #tell(known) {
    const isEmpty = known.every(({ last }) => last === null) && !allOf(this.#picture).length;
    this.#empty.hidden = !isEmpty;
    for (const { line, last } of known) this.node.dataset[line.name] = last === null ? "" : last.toFixed(1);
    const words = known.map(({ line, last }) => `${line.label} ${last === null ? "–" : this.#unit(last)}`);
    this.#svg.setAttribute("aria-label", `${this.#svg.dataset.title}, the last minute. Now: ${words.join(", ")}`);
    if (!this.#legend.childElementCount) {
      this.#legend.replaceChildren(
        ...known.map(({ line }) =>
          h("span", { data: { line: line.name } }, h("i", {}), `${line.label} `, h("b", {}, "–")),
        ),
        this.#asked,
      );
    }
    this.#asked.hidden = !this.#picture?.levels.length;
    known.forEach(({ last }, index) => {
      const value = this.#legend.children[index].querySelector("b");
      if (value) setText(value, last === null ? "–" : this.#unit(last));
    });
  }

  /**
   * @param {number} top @param {(at: number) => number} x @param {(value: number) => number} y @param {number} now
   * @returns {SVGElement[]}
   */
  #grid(top, x, y, now) {
    const right = this.#width - EDGE.right;
    const rows = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
      make("path", { class: "grid", d: `M${EDGE.left} ${half(y(top * part))}H${right}` }),
      (part * 4) % 2 === 0 && text(EDGE.left - 8, y(top * part) + 4, part ? this.#unit(top * part) : "0", "end"),
    ]);
    const columns = [60, 45, 30, 15, 0].flatMap((ago) => {
      const at = half(x(now - ago * 1000));
      const anchor = ago === 60 ? "start" : ago ? "middle" : "end";
      return [
        make("path", { class: "grid", d: `M${at} ${EDGE.top}V${HEIGHT - EDGE.bottom}` }),
        text(at, HEIGHT - 5, ago ? `−${ago} s` : "now", anchor),
      ];
    });
    return [...rows, ...columns].filter((node) => node !== false);
  }

  /** @param {string} name @param {number} at */
  #level(name, at) {
    return make("path", {
      class: "level",
      "data-line": name,
      d: `M${EDGE.left} ${half(at)}H${this.#width - EDGE.right}`,
    });
  }

  /**
   * Each with its words beside it, as far as there is room: on its right, else on its left.
   * @param {Picture["marks"]} marks @param {(at: number) => number} x @returns {SVGElement[]}
   */
  #marks(marks, x) {
    const seen = marks.filter(({ at }) => x(at) >= EDGE.left);
    let taken = EDGE.left; // up to here
    return seen.flatMap(({ at, text: words }, index) => {
      const here = x(at);
      const next = index + 1 < seen.length ? x(seen[index + 1].at) : this.#width;
      const wanted = Math.min((words || CLEARED).length, MARK_LETTERS);
      const isLeft = (next - here) / LETTER_PX < wanted && here - taken > next - here;
      const room = Math.floor((isLeft ? here - taken : next - here) / LETTER_PX) - 1;
      const shown = shortened(words || CLEARED, Math.min(MARK_LETTERS, room));
      taken = isLeft ? here : here + shown.length * LETTER_PX;
      return [
        make("path", { class: "mark", d: `M${half(here)} ${EDGE.top - 14}V${HEIGHT - EDGE.bottom}` }),
        text(here + (isLeft ? -5 : 5), EDGE.top - 6, shown, isLeft ? "end" : "start", "mark-word"),
      ];
    });
  }
}

/**
 * @param {Line} line @param {Picture} picture @param {(at: number) => number} x @param {(value: number) => number} y
 * @returns {SVGElement[]}
 */
function curve(line, picture, x, y) {
  const points = (picture.points[line.name] ?? []).filter(
    ({ at, value }) => value !== null && at >= picture.now - KEPT_MS,
  );
  let d = "";
  let before = -Infinity;
  for (const { at, value } of points) {
    const isAlone = at - before > JOINED_MS;
    d += `${isAlone ? "M" : "L"}${x(at).toFixed(1)} ${y(/** @type {number} */ (value)).toFixed(1)}`;
    if (isAlone) d += "h0.1"; // one that stands alone is a dot
    before = at;
  }
  const made = make("path", { class: line.minor ? "curve minor" : "curve", "data-line": line.name, d });
  return [made];
}

/** @param {Point[]} points @param {number} now @returns {number|null} of the last two and a half seconds */
function lastOf(points, now) {
  return points.findLast(({ at, value }) => value !== null && at > now - 2500)?.value ?? null;
}

/** @param {Picture|null} picture @returns {number[]} */
function allOf(picture) {
  if (!picture) return [];
  const values = Object.values(picture.points).flat();
  const known = values
    .filter(({ at, value }) => value !== null && at >= picture.now - KEPT_MS)
    .map(({ value }) => Number(value));
  const highest = Math.max(0, ...known);
  // A limit far above what passes would press everything to the ground.
  return [...known, ...picture.levels.map(({ value }) => value).filter((value) => value < highest * 4)];
}

/** @param {number} value @returns {number} 1, 2, 4, 6 or 8 times a power of ten, so that its quarters are round enough */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 6, 8, 10].find((one) => one * power >= value * 1.05) ?? 20);
}

/** @param {string} words @param {number} letters */
function shortened(words, letters) {
  return words.length <= letters ? words : letters < 4 ? "" : `${words.slice(0, letters - 1)}…`;
}

/** @param {number} value on the middle of a pixel: a sharp line */
function half(value) {
  return Math.round(value) + 0.5;
}

/** @param {number} x @param {number} y @param {string} words @param {string} anchor @param {string} [kind] */
function text(x, y, words, anchor, kind = "tick") {
  const node = make("text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: kind });
  node.textContent = words;
  return node;
}

/** @param {string} tag @param {Record<string, string>} attributes @returns {SVGElement} */
function make(tag, attributes) {
  const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
