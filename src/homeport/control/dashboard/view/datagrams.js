/** What passed on a UDP route, for all and for its busiest clients: datagrams, what became of them, and their delays. */

import { h } from "./dom.js";
import { count, counted, duration, size } from "../text/format.js";

/** @typedef {import("../data/types.js").UdpState} UdpState */
/** @typedef {import("../data/types.js").DatagramCounts} DatagramCounts */

const HEADS = ["", "", "Datagrams", "Size", "Dropped", "Doubled", "Overtaken", "Delay p50", "p99", "max"];

/** @param {UdpState} udp @returns {Node[]} */
export function datagramsView(udp) {
  const others = udp.active - udp.clients.length;
  return [
    h("h3", {}, "Datagrams ", h("span", { class: "soft" }, counted(udp.active, "client"))),
    h(
      "div",
      {
        class: "table-scroll",
        tabindex: "0",
        "data-scrolls": true,
        role: "region",
        "aria-label": "Datagrams by client",
      },
      h(
        "table",
        { class: "datagrams" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            HEADS.map((head) => h("th", { scope: "col" }, head)),
          ),
        ),
        body("all clients", udp.up, udp.down, "whole"),
        udp.clients.map((client) => body(client.client, client.up, client.down)),
      ),
    ),
    ...(others > 0 ? [h("p", { class: "soft" }, `and ${counted(others, "client")} more, who said less`)] : []),
    ...troubles(udp).map((text) => h("p", { class: "remark warn" }, text)),
  ];
}

/** @param {string} name @param {DatagramCounts} up @param {DatagramCounts} down @param {string} [kind] */
function body(name, up, down, kind = "") {
  return h(
    "tbody",
    { class: kind || null },
    h("tr", {}, h("th", { scope: "rowgroup", rowspan: "2", class: "mono" }, name), way("↑ up", up)),
    h("tr", {}, way("↓ down", down)),
  );
}

/** @param {string} side @param {DatagramCounts} counts */
function way(side, counts) {
  const share = counts.datagrams ? ` ${((counts.dropped / counts.datagrams) * 100).toFixed(1)} %` : "";
  return [
    h("th", { scope: "row" }, side),
    h("td", {}, count(counts.datagrams)),
    h("td", {}, size(counts.bytes)),
    h(
      "td",
      { class: counts.dropped ? "is-bad" : "soft" },
      count(counts.dropped),
      counts.dropped ? h("small", {}, share) : null,
    ),
    h("td", { class: counts.duplicated ? null : "soft" }, count(counts.duplicated)),
    h("td", { class: counts.reordered ? null : "soft" }, count(counts.reordered)),
    ...[counts.delay_p50_ms, counts.delay_p99_ms, counts.delay_max_ms].map((ms) =>
      h("td", { class: ms === null ? "soft" : null }, ms === null ? "–" : duration(ms)),
    ),
  ];
}

/** @param {UdpState} udp @returns {string[]} */
function troubles(udp) {
  return [
    udp.refused && `Refused by the upstream ${counted(udp.refused, "time")}: nobody receives at its port.`,
    udp.overflowed && `${counted(udp.overflowed, "datagram")} came faster than they could be read.`,
    udp.turned_away && `${counted(udp.turned_away, "datagram")} of newcomers found no room.`,
  ].filter((text) => typeof text === "string");
}
