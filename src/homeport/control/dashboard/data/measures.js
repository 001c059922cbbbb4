/**
 * The last minute as the engine measured it, twice a second while somebody looks, and the moments at which conditions
 * changed. It opens a stream of its own for that, and none while nobody looks. Fires "change" with each look.
 */

import { Feed } from "./feed.js";

/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").RouteMeasured} RouteMeasured */
/** @typedef {{at: number, route: RouteMeasured|null}} Sample `at` in milliseconds; null: nothing happened */

export const KEPT_MS = 60000;

export class Measures extends EventTarget {
  /** Of the last look, in milliseconds. */ now = 0;
  #api;
  /** @type {Feed|null} */ #feed = null;
  /** @type {{at: number, routes: Map<string, RouteMeasured>}[]} oldest first */ #looks = [];
  /** @type {{at: number, route: string, text: string}[]} */ #marks = [];

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** Look, or look no more. @param {boolean} isWanted */
  look(isWanted) {
    if (isWanted === (this.#feed !== null)) return;
    this.#feed?.end();
    this.#feed = isWanted
      ? new Feed(this.#api, (type, data) => type === "measured" && this.add(data), "measured")
      : null;
    this.#feed?.start();
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
