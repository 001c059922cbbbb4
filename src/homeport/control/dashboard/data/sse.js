/**
 * The grammar of text/event-stream (WHATWG HTML 9.2.6), fed with text in pieces of any size. It never waits, and it
 * leaves out what homeport does not send: ids and retry times.
 */

/** @typedef {{type: string, data: string}} ServerEvent */

export class EventParser {
  #rest = "";
  #type = "";
  /** @type {string[]} */ #data = [];

  /** @param {string} text @returns {ServerEvent[]} the events that are complete now */
  feed(text) {
    /** @type {ServerEvent[]} */
    const events = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  /** @param {string} line @returns {ServerEvent|null} */
  #line(line) {
    if (line === "") return this.#end();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#type = value;
    if (field === "data") this.#data.push(value);
    return null;
  }

  /** @returns {ServerEvent|null} */
  #end() {
    const event = this.#data.length ? { type: this.#type || "message", data: this.#data.join("\n") } : null;
    this.#type = "";
    this.#data = [];
    return event;
  }
}
