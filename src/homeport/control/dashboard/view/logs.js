/**
 * The logs: follows the end while one is there, holds still as soon as one scrolls up (new lines are counted), shows at
 * most CAP lines of what data/logs.js keeps.
 */

import { emptyLog } from "./empty.js";
import { h, setText } from "./dom.js";
import { LineMaker } from "./log-line.js";
import { toastProblem } from "./toast.js";
import { plain } from "../text/ansi.js";
import { counted } from "../text/format.js";

/** @typedef {import("../data/types.js").LogLine} LogLine */

const CAP = 2000;
const NEAR_END_PX = 32;

class LogView extends HTMLElement {
  #maker = new LineMaker();
  #app = h("select", { "aria-label": "App" }, h("option", { value: "" }, "All apps"));
  #text = h("input", {
    type: "search",
    class: "log-filter",
    placeholder: "Only lines with …",
    "aria-label": "Only lines with this text",
    autocomplete: "off",
    spellcheck: "false",
    "aria-keyshortcuts": "/",
  });
  #follow = h("button", { type: "button", class: "quiet", "aria-pressed": "true", "aria-keyshortcuts": "p" }, "Follow");
  #wrap = h("button", { type: "button", class: "quiet", "aria-pressed": "true" }, "Wrap");
  #lines = h("div", {
    class: "log-lines",
    role: "log",
    "aria-live": "off",
    "aria-label": "Log lines",
    tabindex: "0",
    "data-scrolls": true,
  });
  #empty = h("div", { class: "empty-place", hidden: true });
  #news = h("button", { type: "button", class: "news floating", hidden: true });
  #waiting = 0;
  #isFollowing = true;
  #lastTop = 0;
  /** Lines came while the view was hidden: nothing was drawn. */
  #isStale = false;
  /** @type {{logs: import("../data/logs.js").Logs, chosen: (app: string) => void}} */ #parts;

  /**
   * @param {{logs: import("../data/logs.js").Logs, status: import("../data/status.js").Status,
   *          chosen: (app: string) => void}} parts
   */
  connect({ logs, status, chosen }) {
    this.#parts = { logs, chosen };
    const clear = h("button", { type: "button", class: "quiet", onclick: () => logs.clear() }, "Clear the page");
    this.append(
      h(
        "div",
        { class: "toolbar" },
        this.#app,
        this.#text,
        h("div", { class: "tools" }, this.#follow, this.#wrap, clear),
      ),
      h("div", { class: "log-place" }, this.#lines, this.#empty, this.#news),
    );
    this.#app.addEventListener("change", () => chosen(this.#app.value));
    this.#text.addEventListener("input", () => this.#redraw());
    this.#follow.addEventListener("click", () => this.toggle());
    this.#news.addEventListener("click", () => this.#setFollowing(true));
    this.#wrap.addEventListener("click", () => this.#toggleWrap());
    this.#lines.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    logs.addEventListener("reset", () => this.#redraw());
    logs.addEventListener("lines", (event) => this.#arrived(/** @type {CustomEvent<LogLine[]>} */ (event).detail));
    status.addEventListener("change", () => this.#offer(status));
    this.#lines.classList.add("wrap");
  }

  /** Follow or hold still. */
  toggle() {
    this.#setFollowing(!this.#isFollowing);
  }

  focusFilter() {
    this.#text.focus();
    this.#text.select();
  }

  /** The view was hidden and is seen again: where the end is can be measured now. */
  shown() {
    if (this.#isStale && this.#isFollowing) this.#redraw();
    else if (this.#isFollowing) this.#toEnd();
  }

  /** @param {string} app */
  async show(app) {
    this.#choose(app);
    const { logs } = this.#parts;
    if (app !== logs.app || !logs.isLoaded) await logs.show(app).catch(toastProblem);
    this.#setFollowing(true);
  }

  /** @param {string} app */
  #choose(app) {
    if (app && ![...this.#app.options].some((option) => option.value === app))
      this.#app.append(h("option", { value: app }, app));
    this.#app.value = app;
  }

  /** @param {import("../data/status.js").Status} status */
  #offer(status) {
    const names = [...status.apps.keys()];
    if (
      [...this.#app.options]
        .slice(1)
        .map((option) => option.value)
        .join("\n") === names.join("\n")
    )
      return;
    const chosen = this.#app.value;
    this.#app.replaceChildren(
      h("option", { value: "" }, "All apps"),
      ...names.map((name) => h("option", { value: name }, name)),
    );
    this.#choose(chosen);
  }

  /** @param {LogLine[]} fresh */
  #arrived(fresh) {
    if (this.hidden) return (this.#isStale = true);
    const matching = fresh.filter((line) => this.#matches(line));
    if (!this.#isFollowing) {
      this.#waiting += matching.length;
      return this.#drawNews();
    }
    this.#append(matching.slice(-CAP));
    return this.#toEnd();
  }

  #redraw() {
    this.#isStale = false;
    this.#lines.replaceChildren();
    this.#append(
      this.#parts.logs
        .all()
        .filter((line) => this.#matches(line))
        .slice(-CAP),
    );
    this.#waiting = 0;
    this.#drawNews();
    this.#toEnd();
  }

  /** @param {LogLine[]} lines */
  #append(lines) {
    this.#lines.classList.toggle("one-app", Boolean(this.#parts.logs.app));
    this.#lines.append(...lines.map((line) => this.#maker.make(line)));
    for (let over = this.#lines.childElementCount - CAP; over > 0; over -= 1) this.#lines.firstElementChild?.remove();
    const isEmpty = this.#lines.childElementCount === 0 && this.#parts.logs.isLoaded;
    this.#empty.hidden = !isEmpty;
    if (isEmpty) this.#empty.replaceChildren(emptyLog(this.#parts.logs.app, Boolean(this.#text.value)));
  }

  /** @param {LogLine} line */
  #matches(line) {
    const wanted = this.#text.value.toLowerCase();
    return !wanted || plain(line.text).toLowerCase().includes(wanted);
  }

  #scrolled() {
    const top = this.#lines.scrollTop;
    const isUp = top < this.#lastTop;
    this.#lastTop = top;
    const isAtEnd = this.#lines.scrollHeight - top - this.#lines.clientHeight < NEAR_END_PX;
    if (isUp && !isAtEnd && this.#isFollowing) this.#setFollowing(false);
    else if (isAtEnd && !this.#isFollowing && !this.#waiting) this.#setFollowing(true);
  }

  /** @param {boolean} isFollowing */
  #setFollowing(isFollowing) {
    this.#isFollowing = isFollowing;
    this.#follow.setAttribute("aria-pressed", String(isFollowing));
    if (isFollowing && (this.#waiting || this.#isStale)) this.#redraw();
    else if (isFollowing) this.#toEnd();
    this.#drawNews();
  }

  #drawNews() {
    this.#news.hidden = this.#isFollowing;
    setText(this.#news, this.#waiting ? `${counted(this.#waiting, "new line")} ↓` : "To the end ↓");
  }

  #toggleWrap() {
    const isWrapped = this.#lines.classList.toggle("wrap");
    this.#wrap.setAttribute("aria-pressed", String(isWrapped));
    if (this.#isFollowing) this.#toEnd();
  }

  #toEnd() {
    this.#lines.scrollTop = this.#lines.scrollHeight;
    this.#lastTop = this.#lines.scrollTop;
  }
}

customElements.define("hp-logs", LogView);
