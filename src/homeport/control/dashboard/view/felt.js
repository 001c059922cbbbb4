/** What the network conditions decided about one request or connection, in the order in which it happened. */

import { commandLine } from "./copy.js";
import { h } from "./dom.js";
import { count, counted, duration, size } from "../text/format.js";

/** @typedef {import("../data/types.js").ConditionsFelt} ConditionsFelt */

const SHOWN = 500;

/** @param {number} id of the exchange @param {ConditionsFelt} felt @returns {Node[]} */
export function feltView(id, felt) {
  const hidden = Math.max(0, felt.decisions.length - SHOWN) + felt.more;
  const facts = [
    `number ${felt.number}`,
    felt.client && `for ${felt.client}`,
    felt.changes && `changed ${counted(felt.changes, "time")} meanwhile`,
  ];
  return [
    h(
      "section",
      {},
      h("p", { class: "felt-text" }, felt.text || "as it is"),
      h("p", { class: "soft" }, facts.filter(Boolean).join(", ")),
    ),
    felt.decisions.length ? table(felt) : h("p", {}, "Nothing of it was changed."),
    ...(hidden ? [h("p", { class: "soft" }, `${counted(hidden, "decision")} more.`)] : []),
    h(
      "section",
      {},
      h("p", { class: "soft" }, "To have the same decisions again:"),
      commandLine(`homeport net replay ${id}`),
    ),
  ];
}

/** @param {ConditionsFelt} felt */
function table({ decisions }) {
  return h(
    "table",
    { class: "felt", "aria-label": "Decisions" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["At", "", "Piece", "Decided"].map((head) => h("th", { scope: "col" }, head)),
      ),
    ),
    h(
      "tbody",
      {},
      decisions
        .slice(0, SHOWN)
        .map((one) =>
          h(
            "tr",
            { data: { side: one.from_client ? "up" : "down" } },
            h("td", { class: "number" }, duration(one.at_ms)),
            h("td", {}, one.from_client ? "↑ up" : "↓ down"),
            h("td", { class: "soft" }, one.number ? `${count(one.number)}, ${size(one.bytes)}` : ""),
            h("td", {}, one.words),
          ),
        ),
    ),
  );
}
