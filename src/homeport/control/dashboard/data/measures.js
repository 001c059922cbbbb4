/**
 * The last minute as the engine measured it, twice a second while somebody looks, and the moments at which conditions
 * changed. While nobody looks, it asks for nothing. Fires "change" with each look.
 */

/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").RouteMeasured} RouteMeasured */
/** @typedef {{at: number, route: RouteMeasured|null}} Sample `at` in milliseconds; null: nothing happened */

export const KEPT_MS = 60000;

export class Measures extends EventTarget {
  /** Of the last look, in milliseconds. */ now = 0;
  #ask;
  /** @type {{at: number, routes: Map<string, RouteMeasured>}[]} oldest first */ #looks = [];
  /** @type {{at: number, route: string, text: string}[]} */ #marks = [];

  /** @param {(isWanted: boolean) => void} ask begins and ends that `add` is called */
  constructor(ask) {
    super();
    this.#ask = ask;
  }

  /** Look, or look no more. @param {boolean} isWanted */
  look(isWanted) {
    this.#ask(isWanted);
  }

  /** @param {Measured} measured */
  add(measured) {
    this.now = Date.parse(measured.at);
    this.#looks.push({ at: this.now, routes: new Map(measured.routes.map((route) => [route.route, route])) });
    const first = this.now - KEPT_MS - 1000;
    while (this.#looks.length && this.#looks[0].at < first) this.#looks.shift();
    this.#marks = this.#marks.filter((mark) => mark.at >= first);
    this.dispatchEvent(new Event("change"));
  }

  /** Conditions changed just now. @param {string} route @param {string} text what they are called, "" for cleared */
  mark(route, text) {
    if (!this.now) return;
    const last = this.#marks.at(-1);
    // A slider that is being moved is one change.
    if (last?.route === route && this.now - last.at < 1000) last.text = text;
    else this.#marks.push({ at: this.now, route, text });
  }

  /** @param {string} route @returns {Sample[]} oldest first */
  of(route) {
    return this.#looks.map(({ at, routes }) => ({ at, route: routes.get(route) ?? null }));
  }

  /** @param {string} route */
  marksOf(route) {
    return this.#marks.filter((mark) => mark.route === route);
  }
}
