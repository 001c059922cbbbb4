/**
 * One request in full: fetched when opened, fetched again while it runs, shown in tabs. Narrow pages show it as a sheet
 * over everything else.
 */

import { bodyView } from "./body.js";
import { copyButton } from "./copy.js";
import { h } from "./dom.js";
import { feltView } from "./felt.js";
import { headView } from "./head.js";
import { icon } from "./icons.js";
import { messagesView } from "./messages.js";
import { overview } from "./overview.js";
import { Tabs } from "./tabs.js";
import { ApiError } from "../data/api.js";
import { curl, secretsIn, urlOf } from "../text/curl.js";
import { count } from "../text/format.js";
import { endingWord, reason, statusClass } from "../text/http.js";

/** @typedef {import("../data/types.js").ExchangeDetail} ExchangeDetail */

const SOON_MS = 150;
const AGAIN_MS = 1500; // while it runs: messages and sizes grow, and nothing announces them
const SHEET = "(max-width: 899px)"; // as in style/layout.css

class Detail extends HTMLElement {
  /** @type {number|null} the request that is open */ shownId = null;
  #tabs = new Tabs();
  #head = h("div", { class: "detail-head" });
  #problem = h("div", { class: "empty", hidden: true });
  /** @type {ExchangeDetail|null} */ #shown = null;
  #drawn = "";
  #timer = 0;
  #isDue = false;
  /** A sheet that was just opened takes the focus as soon as there is something to hold it. */
  #isToFocus = false;
  #turn = 0;
  /** @type {{api: import("../data/api.js").Api, closed: () => void}} */ #parts;

  /** @param {{api: import("../data/api.js").Api, closed: () => void}} parts */
  connect(parts) {
    this.#parts = parts;
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", "Request in detail");
    this.append(this.#head, this.#problem, this.#tabs.node);
  }

  /** @param {number} id @param {boolean} [moveFocus] on a sheet the focus moves into it */
  async open(id, moveFocus = false) {
    this.shownId = id;
    this.hidden = false;
    this.#asSheet(moveFocus);
    await this.#load();
  }

  close() {
    if (this.shownId === null) return;
    this.shownId = null;
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.hidden = true;
    this.#shown = null;
    this.#drawn = "";
    for (const node of document.querySelectorAll("[data-under-sheet]")) {
      node.removeAttribute("inert");
      node.removeAttribute("data-under-sheet");
    }
    this.#parts.closed();
  }

  /** It changed: look again. @param {number} id */
  changed(id) {
    if (id !== this.shownId || this.#isDue) return;
    this.#isDue = true; // a busy stream changes many times a second
    setTimeout(() => {
      this.#isDue = false;
      if (id === this.shownId) this.#load();
    }, SOON_MS);
  }

  /** @returns {Promise<void>} */
  copyCurl() {
    return /** @type {any} */ (this.querySelector("[data-curl]"))?.click();
  }

  /** @param {boolean} moveFocus */
  #asSheet(moveFocus) {
    if (!matchMedia(SHEET).matches) return;
    for (const node of document.querySelectorAll(".top, .views, .side, main, hp-notice")) {
      node.setAttribute("inert", "");
      node.setAttribute("data-under-sheet", "");
    }
    this.#isToFocus = moveFocus;
  }

  async #load() {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    let detail;
    try {
      detail = await this.#parts.api.get(`/api/requests/${this.shownId}`);
    } catch (problem) {
      if (turn === this.#turn) this.#failed(problem);
      return;
    }
    if (turn !== this.#turn) return;
    this.#problem.hidden = true;
    this.#tabs.node.hidden = false;
    this.#draw(detail);
    this.#takeFocus();
    if (detail.summary.ending === "open") this.#timer = window.setTimeout(() => this.#load(), AGAIN_MS);
  }

  /** @param {unknown} problem */
  #failed(problem) {
    if (this.#shown?.summary.id === this.shownId) return; // keep what is there: the connection's notice says the rest
    const isGone = problem instanceof ApiError && problem.status === 404;
    this.#head.replaceChildren(h("h2", {}, `Request ${this.shownId}`), this.#closeButton());
    this.#tabs.node.hidden = true;
    this.#problem.hidden = false;
    this.#problem.replaceChildren(
      h(
        "p",
        {},
        isGone
          ? "This request is no longer in the recording."
          : `It could not be read: ${/** @type {Error} */ (problem).message}`,
      ),
    );
    this.#takeFocus();
  }

  /** @param {ExchangeDetail} detail */
  #draw(detail) {
    const drawn = JSON.stringify(detail);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#shown = detail;
    this.#head.replaceChildren(...this.#title(detail));
    const { api } = this.#parts;
    const tabs = [{ name: "overview", label: "Overview", fill: () => overview(detail) }];
    if (detail.request.line)
      tabs.push({
        name: "request",
        label: "Request",
        fill: () => [headView(detail.request), bodyView(api, detail, "request")],
      });
    if (detail.response.line)
      tabs.push({
        name: "response",
        label: "Response",
        fill: () => [headView(detail.response), bodyView(api, detail, "response")],
      });
    if (detail.messages.length || detail.summary.kind !== "http") {
      tabs.push({
        name: "messages",
        label: `Messages ${count(detail.messages.length)}`,
        fill: () => messagesView(detail),
      });
    }
    const felt = detail.conditions;
    if (felt)
      tabs.push({
        name: "network",
        label: `Network ${count(felt.decisions.length + felt.more)}`,
        fill: () => feltView(detail.summary.id, felt),
      });
    this.#tabs.show(tabs);
  }

  /** @param {ExchangeDetail} detail @returns {Node[]} */
  #title(detail) {
    const { summary } = detail;
    const status = summary.status ? `${summary.status} ${reason(detail.response.line)}` : endingWord(summary.ending);
    const secrets = secretsIn(detail);
    const said = () => (secrets.length ? `Copied, with its ${secrets.join(", ")} in it.` : "Copied as curl.");
    const isHttp = summary.kind !== "tcp" && summary.kind !== "udp";
    const asCurl = copyButton("as curl", () => curl(detail), { label: "Copy as curl", said });
    asCurl.dataset.curl = "";
    return [
      h(
        "div",
        { class: "detail-line" },
        h("span", { class: "status-chip", data: { status: statusClass(summary.status) } }, status),
        h("span", { class: "soft number" }, `no. ${summary.id}`),
        h("span", { class: "gap" }),
        isHttp && asCurl,
        this.#closeButton(),
      ),
      h(
        "h2",
        { class: "mono", "aria-label": `${summary.method} ${summary.path}` },
        h("span", { class: "method" }, isHttp ? summary.method : summary.kind.toUpperCase()),
        " ",
        summary.path,
        isHttp && copyButton("the URL", () => urlOf(detail)),
      ),
    ];
  }

  #takeFocus() {
    if (this.#isToFocus) /** @type {HTMLElement|null} */ (this.querySelector("[data-close]"))?.focus();
    this.#isToFocus = false;
  }

  #closeButton() {
    return h(
      "button",
      {
        type: "button",
        class: "quiet square",
        "aria-label": "Close the detail",
        title: "Close (Esc)",
        data: { close: "" },
        onclick: () => this.close(),
      },
      icon("close"),
    );
  }
}

customElements.define("hp-detail", Detail);
