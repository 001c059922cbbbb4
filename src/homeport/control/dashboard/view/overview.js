/** A request at a glance: one sentence on what took the time, the phases as a waterfall, and the facts. */

import { h, withCode } from "./dom.js";
import { counted, duration, moment, size } from "../text/format.js";
import { endingWord } from "../text/http.js";

/** @typedef {import("../data/types.js").ExchangeDetail} ExchangeDetail */

/** @type {[keyof import("../data/types.js").Timings, string, string][]} in the order in which they happen */
const PHASES = [
  ["receive_head", "Request head", "reading the request"],
  ["connect", "Connect", "connecting to the app"],
  ["send", "Send", "passing the request on"],
  ["wait", "Wait for the app", "waiting for the app"],
  ["receive", "Receive", "passing the answer on"],
];

/** @param {ExchangeDetail} detail @returns {Node[]} */
export function overview(detail) {
  return [h("p", { class: "sentence" }, withCode(sentence(detail))), waterfall(detail), facts(detail)];
}

/** @param {ExchangeDetail} detail @returns {string} */
function sentence({ summary, timings, reused }) {
  const lasted = duration(summary.duration_ms);
  if (summary.ending === "open")
    return summary.kind === "http" ? "Still running: no end of the answer yet." : "The connection is open.";
  if (summary.ending !== "complete") {
    const why = summary.why ? `: ${summary.why}` : ".";
    return `${capital(endingWord(summary.ending))} after ${lasted}${why}`;
  }
  const longest = PHASES.map(([key, , doing]) => ({ doing, ms: timings[key] ?? 0 })).sort(
    (one, other) => other.ms - one.ms,
  )[0];
  const total = summary.duration_ms ?? 0;
  const share = total && longest.ms / total > 0.5 && PHASES.filter(([key]) => timings[key]).length > 1;
  const most = share ? `, ${duration(longest.ms)} of it ${longest.doing}` : "";
  const pooled = reused ? " The connection to the app was already open." : "";
  return `Done in ${lasted}${most}.${pooled}`;
}

/** @param {ExchangeDetail} detail */
function waterfall({ timings, summary }) {
  const known = PHASES.filter(([key]) => timings[key] !== null && timings[key] !== undefined);
  if (!known.length) return h("p", { class: "soft" }, "No phase of it was timed yet.");
  const sum = known.reduce((total, [key]) => total + (timings[key] ?? 0), 0);
  const total = Math.max(sum, summary.duration_ms ?? 0, 0.001);
  let at = 0;
  const rows = known.map(([key, label]) => {
    const ms = timings[key] ?? 0;
    const bar = h("span", { class: "phase-bar", data: { phase: key } });
    bar.style.setProperty("--from", (at / total).toFixed(4));
    bar.style.setProperty("--part", (ms / total).toFixed(4));
    at += ms;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, label),
      h("td", { class: "phase-track", "aria-hidden": "true" }, bar),
      h("td", { class: "number" }, duration(ms)),
    );
  });
  const whole = h(
    "tr",
    { class: "whole" },
    h("th", { scope: "row" }, "In all"),
    h("td", { "aria-hidden": "true" }),
    h("td", { class: "number" }, duration(summary.duration_ms) || "running"),
  );
  return h("table", { class: "waterfall", "aria-label": "Time of each phase" }, h("tbody", {}, rows, whole));
}

/** @param {ExchangeDetail} detail */
function facts(detail) {
  const { summary, request_body, response_body } = detail;
  /** @type {[string, string, string?][]} */
  const rows = [
    ["Started", moment(summary.started)],
    ["Route", summary.route || "none"],
    ["Client", [summary.process, summary.client].filter(Boolean).join(", "), "mono"],
    ["Host", summary.host, "mono"],
    ["Went to", detail.upstream, "mono"],
    ["Type", summary.type, "mono"],
    ["Request", sizes(summary.request_bytes, request_body)],
    ["Response", sizes(summary.response_bytes, response_body)],
    ["Ending", endingWord(summary.ending) + (summary.why ? `: ${summary.why}` : "")],
    ["Network", summary.conditions, "felt-text"],
    ["Messages", detail.messages.length ? counted(detail.messages.length, "message") : ""],
    ["Lost", detail.messages_lost ? counted(detail.messages_lost, "message") : ""],
  ];
  return h(
    "dl",
    { class: "pairs" },
    rows
      .filter(([, value]) => value)
      .map(([name, value, kind]) => h("div", {}, h("dt", {}, name), h("dd", { class: kind }, value))),
  );
}

/** @param {number} bytes @param {import("../data/types.js").Body} body */
function sizes(bytes, body) {
  if (!bytes) return "no body";
  const coding = body.coding ? `, ${body.coding}` : "";
  const kept = body.truncated ? `, the first ${size(body.kept)} kept` : "";
  return `${size(bytes)} on the wire${coding}${kept}`;
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
