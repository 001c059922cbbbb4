/**
 * The list of requests: draws the window that data/exchanges.js holds, moves the cursor, and has the toolbar. Rows are
 * reused; one change costs one pass over at most CAP rows.
 */

import { announce, h } from "./dom.js";
import { FilterBox } from "./filter-box.js";
import { RequestTools } from "./request-tools.js";
import { COLUMNS, makeRow, updateRow } from "./request-row.js";
import { emptyRequests } from "./empty.js";
import { toastProblem } from "./toast.js";
import { ApiError } from "../data/api.js";
import { counted } from "../text/format.js";

/** @typedef {import("../data/exchanges.js").Exchanges} Exchanges */

class Requests extends HTMLElement {
  /** @type {Map<number, HTMLElement>} */ #rows = new Map();
  /** @type {number|null} */ #cursor = null;
  /** @type {Element|null} */ #stop = null;
  #rowsNode = h("div", { class: "rows", role: "rowgroup" });
  #older = h(
    "button",
    { type: "button", class: "older", hidden: true, onclick: () => this.#showOlder() },
    "Show older requests",
  );
  #scroller = h("div", { class: "scroller" });
  #empty = h("div", { class: "empty-place" });
  /** @type {FilterBox} */ #filter = new FilterBox(() => this.#names());
  /** @type {RequestTools} */ #tools;
  /** @type {{exchanges: Exchanges, status: import("../data/status.js").Status,
   *          open: (id: number, moveFocus: boolean) => void, filtered: (text: string) => void}} */ #parts;

  /**
   * `open` is told which request to show, `filtered` which filter holds now.
   * @param {{exchanges: Exchanges, status: import("../data/status.js").Status,
   *          open: (id: number, moveFocus: boolean) => void, filtered: (text: string) => void}} parts
   */
  connect(parts) {
    this.#parts = parts;
    this.#tools = new RequestTools(parts.exchanges, () => this.#reorder());
    this.setAttribute("aria-label", "Requests");
    const head = h(
      "div",
      { class: "row head", role: "row" },
      COLUMNS.map(([name, label]) => h("div", { class: `cell ${name}`, role: "columnheader" }, label)),
    );
    this.#scroller.append(
      h(
        "div",
        { class: "grid", role: "grid", "aria-label": "Requests" },
        h("div", { role: "rowgroup", class: "heads" }, head),
        this.#rowsNode,
      ),
      this.#empty,
      this.#older,
    );
    this.append(h("div", { class: "toolbar" }, this.#filter.node, this.#tools.node, this.#tools.line), this.#scroller);
    this.#filter.addEventListener("change", () => this.filter(this.#filter.text));
    this.#rowsNode.addEventListener("click", (event) => this.#clicked(event));
    parts.exchanges.addEventListener("change", () => this.#draw());
    parts.status.addEventListener("change", () => this.#drawEmpty());
  }

  focusFilter() {
    this.#filter.focus();
  }

  /** @param {string} text */
  async filter(text) {
    const { exchanges, filtered } = this.#parts;
    if (this.#filter.text !== text) this.#filter.text = text;
    if (text === exchanges.filter && exchanges.isLoaded) return this.#filter.problem("");
    try {
      await exchanges.load(text);
      this.#filter.problem("");
      filtered(text);
      this.#scroller.scrollTop = 0;
      announce(text ? `${counted(exchanges.list.length, "request")} match` : "All requests");
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 400) {
        this.#filter.problem(problem.message, problem.hint);
        if (!exchanges.isLoaded) await exchanges.load("").catch(toastProblem);
      } else if (!(problem instanceof ApiError && problem.status === 0)) toastProblem(problem);
    }
    return undefined;
  }

  /** Move the cursor by rows as they stand on the page. @param {number} step */
  move(step) {
    const order = [...this.#rowsNode.children];
    if (!order.length) return;
    const at = this.#cursor === null ? -1 : order.indexOf(/** @type {Element} */ (this.#rows.get(this.#cursor)));
    const next = at < 0 ? (step > 0 ? 0 : order.length - 1) : Math.min(order.length - 1, Math.max(0, at + step));
    this.#select(Number(/** @type {HTMLElement} */ (order[next]).dataset.id), true);
  }

  /** @returns {number|null} the request under the cursor */
  get cursor() {
    return this.#cursor;
  }

  /** @param {number|null} id @param {boolean} [moveFocus] */
  #select(id, moveFocus = false) {
    const former = this.#cursor === null ? null : this.#rows.get(this.#cursor);
    former?.removeAttribute("aria-selected");
    this.#cursor = id;
    const row = id === null ? null : this.#rows.get(id);
    if (!row) return;
    row.setAttribute("aria-selected", "true");
    this.#stopAt(row);
    row.scrollIntoView({ block: "nearest" });
    if (moveFocus) row.focus({ preventScroll: true });
    this.dispatchEvent(new CustomEvent("cursor", { detail: id }));
  }

  /** Hold the list still, or go on. */
  pause() {
    this.#tools.toggle();
  }

  /** The list is one stop for the Tab key: this row. @param {Element|null} row */
  #stopAt(row) {
    if (row === this.#stop) return;
    this.#stop?.setAttribute("tabindex", "-1");
    row?.setAttribute("tabindex", "0");
    this.#stop = row;
  }

  /** Mark the request that was opened, or will be as soon as it is in the list. @param {number} id */
  mark(id) {
    if (id !== this.#cursor) this.#select(id);
  }

  /** Give the focus back to the list. */
  focusCursor() {
    if (this.#cursor !== null) this.#rows.get(this.#cursor)?.focus({ preventScroll: true });
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const row = event.target instanceof Element ? event.target.closest(".row") : null;
    if (!(row instanceof HTMLElement) || String(getSelection() ?? "")) return;
    const id = Number(row.dataset.id);
    this.#select(id, true);
    this.#parts.open(id, true);
  }

  async #showOlder() {
    try {
      await this.#parts.exchanges.older();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  #reorder() {
    this.#rowsNode.replaceChildren();
    this.#scroller.classList.toggle("newest-last", !this.#tools.isNewestFirst);
    this.#draw();
  }

  #draw() {
    const { exchanges } = this.#parts;
    const isAtEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight < 40;
    const wanted = new Set(exchanges.list.map((exchange) => exchange.id));
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    this.#place(this.#tools.isNewestFirst ? [...exchanges.list].reverse() : exchanges.list);
    const marked = this.#cursor === null ? undefined : this.#rows.get(this.#cursor);
    marked?.setAttribute("aria-selected", "true");
    this.#stopAt(marked ?? this.#rowsNode.firstElementChild);
    this.#older.hidden = !exchanges.hasOlder;
    this.#tools.draw();
    this.#drawEmpty();
    if (!this.#tools.isNewestFirst && isAtEnd && !exchanges.isHeld)
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** @param {import("../data/types.js").ExchangeSummary[]} order */
  #place(order) {
    const { dirty } = this.#parts.exchanges;
    let at = this.#rowsNode.firstElementChild;
    for (const exchange of order) {
      let row = this.#rows.get(exchange.id);
      const isNew = !row;
      if (!row) this.#rows.set(exchange.id, (row = makeRow(exchange.id)));
      if (isNew || dirty.has(exchange.id)) updateRow(row, exchange);
      if (row === at) at = at.nextElementSibling;
      else this.#rowsNode.insertBefore(row, at);
    }
  }

  #drawEmpty() {
    const { exchanges, status } = this.#parts;
    const isEmpty = exchanges.isLoaded && exchanges.list.length === 0;
    this.#empty.hidden = !isEmpty;
    this.#scroller.classList.toggle("is-empty", isEmpty);
    if (isEmpty) this.#empty.replaceChildren(emptyRequests(exchanges.filter, status.engine, () => this.filter("")));
  }

  #names() {
    const { status, exchanges } = this.#parts;
    const hosts = new Set(exchanges.list.slice(-200).map((exchange) => exchange.host));
    const routes = [...status.routes.values()].filter((route) => route.kind !== "control");
    return { route: routes.map((route) => route.name), host: [...hosts] };
  }
}

customElements.define("hp-requests", Requests);
