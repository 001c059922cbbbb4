/** One line of the requests. It is made once and updated in place; its cells are found by position, never by query. */

import { h, setText } from "./dom.js";
import { clock, duration, moment, size } from "../text/format.js";
import { endingWord, statusClass } from "../text/http.js";

/** @typedef {import("../data/types.js").ExchangeSummary} ExchangeSummary */

/** @type {[string, string][]} class and heading of each column */
export const COLUMNS = [
  ["time", "Time"],
  ["method", "Method"],
  ["status", "Status"],
  ["path", "Path"],
  ["route", "Route"],
  ["duration", "Duration"],
  ["size", "Size"],
];

/** @param {number} id @returns {HTMLElement} */
export function makeRow(id) {
  const cells = COLUMNS.map(([name]) => h("div", { class: `cell ${name}`, role: "gridcell" }));
  const [, , , path] = cells;
  path.append(h("span", { class: "target" }), h("span", { class: "query" }), " ", h("span", { class: "ending" }));
  cells[5].append(h("span", { class: "bar" }), h("span", {}));
  return h("div", { class: "row", role: "row", tabindex: "-1", data: { id: String(id) } }, cells);
}

/** @param {HTMLElement} row @param {ExchangeSummary} exchange */
export function updateRow(row, exchange) {
  const [time, method, status, path, route, lasted, bytes] = /** @type {HTMLElement[]} */ ([...row.children]);
  row.dataset.status = statusClass(exchange.status);
  row.dataset.ending = exchange.ending;
  setText(time, clock(exchange.started, true));
  time.title = moment(exchange.started);
  setText(method, methodWord(exchange));
  setText(status, exchange.status ? String(exchange.status) : "–");
  fillPath(path, exchange);
  setText(route, exchange.route || "–");
  fillDuration(lasted, exchange);
  setText(bytes, size(exchange.response_bytes));
  row.setAttribute("aria-label", spoken(exchange));
}

/** @param {ExchangeSummary} exchange */
function methodWord(exchange) {
  if (exchange.kind === "tcp" || exchange.kind === "udp") return exchange.kind.toUpperCase();
  return exchange.kind === "upgrade" ? "WS" : exchange.method;
}

/** @param {HTMLElement} cell @param {ExchangeSummary} exchange */
function fillPath(cell, exchange) {
  const [target, query, ending] = cell.children;
  const [path, ...rest] = exchange.path.split("?");
  setText(target, path);
  setText(query, rest.length ? `?${rest.join("?")}` : "");
  setText(ending, exchange.ending === "complete" ? "" : endingWord(exchange.ending));
  cell.title = exchange.why ? `${exchange.path}\n${exchange.why}` : exchange.path;
}

/** @param {HTMLElement} cell @param {ExchangeSummary} exchange */
function fillDuration(cell, exchange) {
  const ms = exchange.duration_ms;
  // Logarithmic, full at ten seconds: 1 ms and 5 s are both to be seen.
  const part = ms === null ? 0 : Math.min(1, Math.log10(ms + 1) / 4);
  /** @type {HTMLElement} */ (cell.children[0]).style.setProperty("--part", part.toFixed(3));
  setText(cell.children[1], ms === null ? "…" : duration(ms));
  cell.classList.toggle("is-slowed", Boolean(exchange.conditions));
  cell.title = exchange.conditions ? `on a changed network: ${exchange.conditions}` : "";
}

/** @param {ExchangeSummary} exchange @returns {string} the row as one sentence */
function spoken(exchange) {
  const status = exchange.status ? `status ${exchange.status}` : "no answer";
  const ending = exchange.ending === "complete" ? "" : `, ${endingWord(exchange.ending)}`;
  const lasted = exchange.duration_ms === null ? "" : `, ${duration(exchange.duration_ms)}`;
  const network = exchange.conditions ? ", on a changed network" : "";
  return `${methodWord(exchange)} ${exchange.path}, ${status}${ending}, ${exchange.route}${lasted}${network}`;
}
