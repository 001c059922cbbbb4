/**
 * The requests on the page: a window of at most CAP exchanges in the order of their ids. Live, it shows the newest; held
 * (paused, or leafing through older ones) it only counts what is new. Fires "change" at most once per frame.
 */

import { oncePerFrame } from "./frame.js";

/** @typedef {import("./types.js").ExchangeSummary} ExchangeSummary */

export const CAP = 1000;
export const PAGE = 200;

export class Exchanges extends EventTarget {
  filter = "";
  /** @type {ExchangeSummary[]} oldest first */ list = [];
  /** @type {Set<number>} changed since the last "change" */ dirty = new Set();
  isHeld = false;
  /** New ones since it was held. */ waiting = 0;
  /** Whether the store may hold older ones than the list. */ hasOlder = false;
  isLoaded = false;
  #api;
  /** @type {Map<number, ExchangeSummary>} */ #byId = new Map();
  /** @type {Set<number>} */ #waitingIds = new Set();
  #isSorted = true;
  #loads = 0;
  #changed = oncePerFrame(() => this.#settle());

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** @param {number} id */
  get(id) {
    return this.#byId.get(id);
  }

  /** One arrived, or changed. @param {ExchangeSummary} exchange */
  add(exchange) {
    if (this.isHeld && !this.#byId.has(exchange.id)) {
      if (this.#waitingIds.size < 100000) this.#waitingIds.add(exchange.id);
      this.waiting = this.#waitingIds.size;
    } else {
      this.#put(exchange);
    }
    this.#changed();
  }

  /**
   * Show what matches, newest first from the store. A filter that is not understood raises and changes nothing.
   * @param {string} filter
   */
  async load(filter = this.filter) {
    const turn = ++this.#loads;
    const found = await this.#api.get("/api/requests", { filter, limit: PAGE });
    if (turn !== this.#loads) return; // overtaken by a later load
    this.filter = filter;
    this.#empty();
    this.isHeld = false;
    this.isLoaded = true;
    this.hasOlder = found.length >= PAGE;
    for (const exchange of found) this.#put(exchange);
    this.#changed();
  }

  /** What passed while nobody listened. */
  async catchUp() {
    if (!this.isLoaded) return this.load();
    const turn = this.#loads;
    const known = this.list.at(-1)?.id ?? 0;
    const found = await this.#api.get("/api/requests", { filter: this.filter, limit: PAGE });
    if (turn !== this.#loads) return undefined;
    const isGap = found.length >= PAGE && found.at(-1).id > known;
    if (isGap && !this.isHeld) return this.load();
    for (const exchange of found) this.add(exchange);
    return undefined;
  }

  /** Append a page of older ones; the newest leave the window where it is full, and it is held. */
  async older() {
    const oldest = this.list[0]?.id;
    const turn = ++this.#loads;
    const found = await this.#api.get("/api/requests", { filter: this.filter, limit: PAGE, before: oldest });
    if (turn !== this.#loads) return;
    this.isHeld = true;
    this.hasOlder = found.length >= PAGE;
    for (const exchange of found) this.#put(exchange);
    this.#changed();
  }

  hold() {
    this.isHeld = true;
    this.#changed();
  }

  /** Back to the newest. */
  resume() {
    return this.load();
  }

  /** Delete the recording. */
  async clear() {
    this.#loads += 1;
    await this.#api.delete("/api/requests");
    this.#empty();
    this.hasOlder = false;
    this.isHeld = false;
    this.#changed();
  }

  #empty() {
    this.list = [];
    this.#byId.clear();
    this.#waitingIds.clear();
    this.waiting = 0;
    this.dirty.clear();
  }

  /** @param {ExchangeSummary} exchange */
  #put(exchange) {
    if (!this.#byId.has(exchange.id)) {
      if (this.list.length && this.list[this.list.length - 1].id > exchange.id) this.#isSorted = false;
      this.list.push(exchange);
    }
    this.#byId.set(exchange.id, exchange);
    this.dirty.add(exchange.id);
    if (this.list.length >= CAP * 4) this.#trim(); // a hidden tab draws seldom, and must not grow meanwhile
  }

  #settle() {
    this.#trim();
    this.dispatchEvent(new Event("change"));
    this.dirty.clear();
  }

  #trim() {
    if (!this.#isSorted) this.list.sort((one, other) => one.id - other.id);
    this.#isSorted = true;
    const over = this.list.length - CAP;
    if (over > 0) {
      const gone = this.isHeld ? this.list.splice(CAP) : this.list.splice(0, over);
      for (const { id } of gone) this.#byId.delete(id);
      if (!this.isHeld) this.hasOlder = true;
    }
    this.list = this.list.map((exchange) => this.#byId.get(exchange.id) ?? exchange);
  }
}
