/** What stands where nothing is yet: what would come here, and the command that brings it. */

import { commandLine } from "./copy.js";
import { h } from "./dom.js";

/**
 * @param {string} filter
 * @param {import("../data/types.js").EngineState|null} engine
 * @param {() => void} clear takes the filter away
 */
export function emptyRequests(filter, engine, clear) {
  if (filter) {
    return h(
      "div",
      { class: "empty" },
      h("h3", {}, "No recorded request matches"),
      h("p", {}, h("code", {}, filter)),
      h(
        "p",
        {},
        "New ones that match appear here by themselves. ",
        h("button", { type: "button", onclick: clear }, "Clear the filter"),
      ),
    );
  }
  return h(
    "div",
    { class: "empty" },
    h("h3", {}, "No requests yet"),
    h(
      "p",
      {},
      "Whatever passes the door appears here at once, with heads, bodies and timing. Open an app in the browser, or ask from a terminal:",
    ),
    commandLine(`curl ${engine?.url || "http://127.0.0.1:62893"}/`),
  );
}

/** @param {string} app @param {boolean} isFiltered */
export function emptyLog(app, isFiltered) {
  if (isFiltered) return h("div", { class: "empty" }, h("p", {}, "No line here holds that text."));
  return h(
    "div",
    { class: "empty" },
    h("h3", {}, app ? `${app} has written nothing yet` : "No log lines yet"),
    h("p", {}, "Everything that an app prints appears here, its colours included. To start one:"),
    commandLine("homeport run -- npm run dev"),
  );
}

export function emptyNetwork() {
  return h(
    "div",
    { class: "empty" },
    h("h3", {}, "No routes yet"),
    h("p", {}, "The network of every app and route can be made slow, lossy or broken here. To start one:"),
    commandLine("homeport run -- npm run dev"),
  );
}
