/**
 * The log lines on the page, of one app or of all: the last KEPT of them. It fires "reset" when they are others, and
 * "lines" (at most once per frame) with what came since; it knows nothing of drawing.
 */

import { oncePerFrame } from "./frame.js";

/** @typedef {import("./types.js").LogLine} LogLine */

export const KEPT = 5000;
const FIRST = 1000;

export class Logs extends EventTarget {
  /** @type {string} the route of the app, "" for all */ app = "";
  /** @type {LogLine[]} oldest first */ lines = [];
  isLoaded = false;
  #api;
  #lastId = 0;
  #loads = 0;
  /** @type {LogLine[]} */ #fresh = [];
  #flush = oncePerFrame(() => this.#tell());

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** @param {LogLine} line */
  add(line) {
    if (this.app && line.app !== this.app) return;
    if (line.id && line.id <= this.#lastId) return; // seen already, in the answer that filled a gap
    this.#lastId = Math.max(this.#lastId, line.id);
    this.lines.push(line);
    this.#fresh.push(line);
    if (this.lines.length > KEPT * 1.2) this.lines.splice(0, this.lines.length - KEPT);
    if (this.#fresh.length > KEPT) this.#fresh.splice(0, this.#fresh.length - KEPT);
    this.#flush();
  }

  /** Show the lines of another app. @param {string} app */
  async show(app) {
    const turn = ++this.#loads;
    const found = await this.#api.get("/api/logs", { app, limit: FIRST });
    if (turn !== this.#loads) return;
    this.app = app;
    this.lines = inOrder(found);
    this.#lastId = this.lines.at(-1)?.id ?? 0;
    this.#fresh = [];
    this.isLoaded = true;
    this.dispatchEvent(new Event("reset"));
  }

  /** What was written while nobody listened. */
  async catchUp() {
    const turn = this.#loads;
    const found = await this.#api.get("/api/logs", { app: this.app, limit: FIRST, after: this.#lastId });
    if (turn === this.#loads) for (const line of inOrder(found)) this.add(line);
  }

  /** All lines; what was about to be told as new is among them. @returns {LogLine[]} */
  all() {
    this.#fresh = [];
    return this.lines;
  }

  /** Empty the page; the engine keeps its lines. */
  clear() {
    this.lines = [];
    this.#fresh = [];
    this.dispatchEvent(new Event("reset"));
  }

  #tell() {
    const fresh = this.#fresh;
    this.#fresh = [];
    if (fresh.length) this.dispatchEvent(new CustomEvent("lines", { detail: fresh }));
  }
}

/** @param {LogLine[]} lines */
function inOrder(lines) {
  return [...lines].sort((one, other) => one.id - other.id);
}
