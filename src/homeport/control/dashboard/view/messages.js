/** The messages of a WebSocket (or the runs of bytes of a TCP connection), each way told by arrow, word and side. */

import { h } from "./dom.js";
import { count, counted, duration, size } from "../text/format.js";
import { hexDump } from "../text/hex.js";
import { layOut } from "../text/json.js";

/** @typedef {import("../data/types.js").ExchangeDetail} ExchangeDetail */
/** @typedef {import("../data/types.js").Message} Message */

const SHOWN = 500;

/** @param {ExchangeDetail} detail @returns {Node[]} */
export function messagesView({ messages, messages_lost, summary }) {
  if (!messages.length)
    return [h("p", { class: "soft" }, summary.ending === "open" ? "No message yet." : "No message passed.")];
  const hidden = messages.length - SHOWN;
  return [
    ...(messages_lost
      ? [h("p", { class: "remark warn" }, `${counted(messages_lost, "message")} passed without being kept.`)]
      : []),
    ...(hidden > 0 ? [h("p", { class: "soft" }, `The last ${SHOWN} of ${count(messages.length)} messages.`)] : []),
    h("ol", { class: "messages" }, messages.slice(-SHOWN).map(row)),
  ];
}

/** @param {Message} message */
function row(message) {
  const side = message.from_client ? "client" : "app";
  const kind = message.kind === "text" ? "" : message.kind;
  return h(
    "li",
    { data: { side } },
    h(
      "div",
      { class: "message-head" },
      h("span", { class: "side" }, message.from_client ? "↑ client" : "↓ app"),
      kind && h("span", { class: "tag" }, kind),
      h("span", { class: "gap" }),
      h("span", { class: "soft" }, `${size(message.bytes)}, at ${duration(message.at_ms)}`),
    ),
    content(message),
  );
}

/** @param {Message} message */
function content({ text, base64 }) {
  if (text) return h("pre", { class: "code wrap" }, pretty(text));
  return base64 ? h("pre", { class: "code", tabindex: "0", "data-scrolls": true }, hexDump(base64)) : null;
}

/** @param {string} text */
function pretty(text) {
  if (!/^\s*[[{]/.test(text) || text.length < 60) return text;
  return (
    layOut(text)
      ?.map((token) => token.text)
      .join("") ?? text
  );
}
