/** The buttons above the requests (order, pause, clear) and the line that says what is shown. */

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { toastProblem } from "./toast.js";
import { counted } from "../text/format.js";

const KEY = "homeport.order";

export class RequestTools {
  isNewestFirst = stored() !== "last";
  #exchanges;
  #order = h("button", { type: "button", class: "quiet" });
  #pause = h("button", { type: "button", class: "quiet", "aria-keyshortcuts": "p" });
  #clear = h("button", { type: "button", class: "quiet", onclick: () => this.#ask.showModal() }, "Clear…");
  #ask = h("dialog", { class: "ask", "aria-labelledby": "ask-title" });
  #shown = h("span", {});
  #news = h("button", { type: "button", class: "news", hidden: true, onclick: () => this.resume() });
  node = h("div", { class: "tools" }, this.#order, this.#pause, this.#clear, this.#ask);
  line = h("div", { class: "shown-line" }, this.#shown, this.#news);

  /**
   * @param {import("../data/exchanges.js").Exchanges} exchanges
   * @param {() => void} reorder draws the list in its new order
   */
  constructor(exchanges, reorder) {
    this.#exchanges = exchanges;
    this.#order.addEventListener("click", () => {
      this.isNewestFirst = !this.isNewestFirst;
      store(this.isNewestFirst ? "first" : "last");
      reorder();
    });
    this.#pause.addEventListener("click", () => this.toggle());
    this.#fillAsk();
    this.draw();
  }

  toggle() {
    if (this.#exchanges.isHeld) this.resume();
    else this.#exchanges.hold();
  }

  async resume() {
    await this.#exchanges.resume().catch(toastProblem);
  }

  draw() {
    const { isHeld, waiting, list, filter } = this.#exchanges;
    this.#order.replaceChildren(
      icon(this.isNewestFirst ? "down" : "up"),
      this.isNewestFirst ? "Newest first" : "Newest last",
    );
    this.#pause.replaceChildren(icon(isHeld ? "start" : "pause"), isHeld ? "Go on" : "Pause");
    this.#pause.setAttribute("aria-pressed", String(isHeld));
    const what = counted(list.length, filter ? "match" : "request", filter ? "matches" : "requests");
    setText(this.#shown, isHeld ? `${what}, paused` : what);
    this.#clear.disabled = !list.length && !filter;
    this.#news.hidden = !isHeld;
    setText(
      this.#news,
      waiting ? `${counted(waiting, "new one", "new ones")}: back to the newest` : "Back to the newest",
    );
  }

  #fillAsk() {
    const remove = async () => {
      this.#ask.close();
      await this.#exchanges.clear().catch(toastProblem);
    };
    this.#ask.append(
      h("h2", { id: "ask-title" }, "Delete the recording?"),
      h(
        "p",
        {},
        "Every recorded request is deleted, on this page and in the terminal, whatever the filter. Apps and their logs stay.",
      ),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", autofocus: true, onclick: () => this.#ask.close() }, "Keep it"),
        h("button", { type: "button", class: "danger", onclick: remove }, "Delete all requests"),
      ),
    );
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} value */
function store(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // The order holds until the page is reloaded then.
  }
}
