/**
 * The stream of events, kept open: reads /api/events with fetch, and when it breaks tries again with growing pauses.
 * It never interprets what it carries; the models do.
 */

import { ApiError } from "./api.js";
import { EventParser } from "./sse.js";

/** @typedef {"connecting"|"live"|"lost"|"ended"} FeedState */

// What is measured comes only to those who name it, and then everything has to be named.
const MEASURING = ["measured", "app", "route", "conditions", "exchange", "log", "engine"];
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15000];
// The engine sends a comment every 15 s; two missed ones and a bit mean that nobody is there.
const SILENCE_MS = 40000;

/** Fires "open" each time the stream (re)opens, "state" when `state` or `retryAt` changes. */
export class Feed extends EventTarget {
  /** @type {FeedState} */ state = "connecting";
  /** @type {number|null} time of the next attempt, in Date.now() milliseconds */ retryAt = null;
  #api;
  #onEvent;
  #isMeasuring = false;
  #filter = "";
  #isWanted = true;
  #failures = 0;
  #wake = () => {};
  #reading = new AbortController();

  /**
   * @param {import("./api.js").Api} api
   * @param {(type: string, data: any) => void} onEvent
   */
  constructor(api, onEvent) {
    super();
    this.#api = api;
    this.#onEvent = onEvent;
  }

  /** Runs until `end`. @param {string} filter */
  async start(filter = "") {
    this.#filter = filter;
    while (this.#isWanted) {
      this.#reading = new AbortController();
      const wanted = this.#wanted;
      await this.#read().catch((problem) => this.#failed(problem));
      if (!this.#isWanted) return;
      if (this.#wanted === wanted) await this.#pause();
    }
  }

  /** Open the stream anew with another filter. @param {string} filter */
  use(filter) {
    if (filter === this.#filter) return;
    this.#filter = filter;
    this.#reopen();
  }

  /**
   * Hear what is measured, too, or no longer. Not on a stream of its own: browsers open six to a host, in all tabs.
   * @param {boolean} isWanted
   */
  measure(isWanted) {
    if (isWanted === this.#isMeasuring) return;
    this.#isMeasuring = isWanted;
    this.#reopen();
  }

  /** Do not wait any longer for the next attempt. */
  retry() {
    this.#wake();
  }

  end() {
    this.#isWanted = false;
    this.#set("ended");
    this.#reading.abort();
    this.retry();
  }

  get #wanted() {
    return `${this.#isMeasuring} ${this.#filter}`;
  }

  #reopen() {
    this.#reading.abort();
    this.retry();
  }

  async #read() {
    const abort = this.#reading;
    const query = { filter: this.#filter, kind: this.#isMeasuring ? MEASURING : [] };
    const response = await this.#api.stream("/api/events", query, abort.signal);
    if (!response.body) throw new ApiError("engine-unreachable", "The engine sent no stream.");
    this.#failures = 0;
    this.#set("live");
    this.dispatchEvent(new Event("open"));
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const silence = setTimeout(() => abort.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      for (const event of parser.feed(value)) this.#onEvent(event.type, JSON.parse(event.data));
    }
  }

  /** @param {unknown} problem */
  #failed(problem) {
    if (problem instanceof ApiError && problem.status === 401) this.end();
    else if (problem instanceof SyntaxError) console.error("homeport: an event was not JSON", problem);
  }

  async #pause() {
    const base = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)];
    this.#failures += 1;
    const pause = base * (0.8 + Math.random() * 0.4); // spread, so that twenty tabs do not knock together
    this.retryAt = Date.now() + pause;
    this.#set("lost");
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    this.#wake = () => {};
    this.retryAt = null;
    if (this.#isWanted) this.#set("connecting");
  }

  /** @param {FeedState} state */
  #set(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
