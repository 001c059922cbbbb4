/**
 * The network conditions in force, as the last answer or event told, and the one way to change them. Changes that come
 * faster than the engine answers are joined: only the last one of a route is sent. Fires "change" once per frame.
 */

import { oncePerFrame } from "./frame.js";

/** @typedef {import("./types.js").ConditionsState} ConditionsState */
/** @typedef {{text: string, lasts_s?: number}} Wish */

export class Networks extends EventTarget {
  /** @type {string[]} names that were given to clients */ clients = [];
  /** @type {Map<string, ConditionsState>} */ #states = new Map();
  /** @type {Map<string, Wish>} asked for, and not sent yet */ #wishes = new Map();
  /** @type {Set<string>} */ #sending = new Set();
  /** @type {Promise<import("./types.js").ProfileState[]>|null} */ #profiles = null;
  #api;
  #changed = oncePerFrame(() => this.dispatchEvent(new Event("change")));

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** @returns {ConditionsState[]} */
  get all() {
    return [...this.#states.values()];
  }

  /** @param {string} route @param {string} [client] @returns {ConditionsState|undefined} */
  get(route, client = "") {
    return this.#states.get(keyOf(route, client));
  }

  /** @param {string} route @returns {ConditionsState[]} for everybody first */
  of(route) {
    return this.all
      .filter((state) => state.route === route)
      .sort((one, other) => one.client.localeCompare(other.client));
  }

  /** Whether a change is on its way: what events say about it is old. @param {string} route @param {string} client */
  isChanging(route, client) {
    const key = keyOf(route, client);
    return this.#wishes.has(key) || this.#sending.has(key);
  }

  /** One changed. @param {ConditionsState} state */
  set(state) {
    const key = keyOf(state.route, state.client);
    const former = this.#states.get(key);
    if (state.gone) this.#states.delete(key);
    else this.#states.set(key, state);
    const text = state.gone ? "" : state.text;
    if ((former?.text ?? "") !== text) this.dispatchEvent(new CustomEvent("told", { detail: state }));
    this.#changed();
  }

  /** All there are. @param {ConditionsState[]} states */
  replace(states) {
    this.#states = new Map(states.map((state) => [keyOf(state.route, state.client), state]));
    this.#changed();
  }

  /** The route is gone, and its conditions with it. @param {string} route */
  forget(route) {
    for (const [key, state] of this.#states) if (state.route === route) this.#states.delete(key);
    this.#changed();
  }

  async load() {
    const [states, clients] = await Promise.all([this.#api.get("/api/conditions"), this.#api.get("/api/clients")]);
    this.clients = clients.map((/** @type {{name: string}} */ { name }) => name);
    this.replace(states);
  }

  /** @returns {Promise<import("./types.js").ProfileState[]>} asked for once */
  profiles() {
    this.#profiles ??= this.#api.get("/api/conditions/profiles").catch((problem) => {
      this.#profiles = null;
      throw problem;
    });
    return this.#profiles;
  }

  /**
   * Ask for conditions; no words are a clear network. Throws what the engine says against it.
   * @param {string} route @param {string} client @param {Wish} wish
   */
  async wish(route, client, wish) {
    const key = keyOf(route, client);
    this.#wishes.set(key, wish);
    if (this.#sending.has(key)) return;
    this.#sending.add(key);
    try {
      for (let next = this.#wishes.get(key); next; next = this.#wishes.get(key)) {
        this.#wishes.delete(key);
        await this.#send(route, client, next).catch((problem) => {
          if (!this.#wishes.has(key)) throw problem; // what was wished since may be right
        });
      }
    } finally {
      this.#sending.delete(key);
      this.#changed();
    }
  }

  /** @param {string} route @param {string} client @param {Wish} wish */
  async #send(route, client, { text, lasts_s }) {
    if (text) this.set(await this.#api.post("/api/conditions", { route, client, text, lasts_s: lasts_s ?? null }));
    else await this.clear(route, client);
  }

  /** @param {string} route @param {string} client "": every one's */
  async clear(route, client = "") {
    const words = new URLSearchParams({ route, ...(client ? { client } : {}) });
    /** @type {ConditionsState[]} */
    const gone = await this.#api.delete(`/api/conditions?${words}`);
    for (const state of gone) this.set({ ...state, gone: true });
  }
}

/** @param {string} route @param {string} client */
function keyOf(route, client) {
  return `${route} ${client}`;
}
