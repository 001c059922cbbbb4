/**
 * Whether the page hears the engine: a word in the header, and a notice with what to do when it does not, or when the
 * engine itself has something to say. State is always a word, never a colour alone.
 */

import { announce, h, setText, withCode } from "./dom.js";
import { commandLine } from "./copy.js";
import { icon } from "./icons.js";
import { counted, since } from "../text/format.js";

/** @typedef {import("../data/feed.js").Feed} Feed */
/** @typedef {import("../data/status.js").Status} Status */

const WORDS = { connecting: "Connecting", live: "Live", lost: "Not connected", ended: "Not signed in" };

class Connection extends HTMLElement {
  #word = h("span", { class: "word" });
  #door = h("span", { class: "door mono" });

  /** @param {{feed: Feed, status: Status}} parts */
  connect({ feed, status }) {
    this.append(this.#word, this.#door);
    const draw = () => {
      document.documentElement.dataset.feed = feed.state;
      setText(this.#word, WORDS[feed.state]);
      setText(this.#door, status.engine?.doors[0] ?? "");
    };
    let former = feed.state;
    feed.addEventListener("state", () => {
      if (feed.state !== former && feed.state !== "connecting") announce(WORDS[feed.state]);
      former = feed.state;
      draw();
    });
    status.addEventListener("change", draw);
    draw();
  }
}

class Notice extends HTMLElement {
  #timer = 0;
  #drawn = "";

  /** @param {{feed: Feed, status: Status}} parts */
  connect({ feed, status }) {
    const draw = () => {
      clearInterval(this.#timer);
      if (feed.state === "lost") {
        this.#lost(feed, status);
        this.#timer = window.setInterval(() => this.#count(feed), 1000);
      } else if (feed.state === "live") {
        this.#engine(status);
      }
    };
    feed.addEventListener("state", draw);
    status.addEventListener("change", () => feed.state === "live" && this.#engine(status));
  }

  /** @param {Feed} feed @param {Status} status */
  #lost(feed, status) {
    if (this.#drawn === "lost") return this.#count(feed); // the button keeps the focus through every attempt
    this.#drawn = "lost";
    const what = status.isKnown
      ? "The engine does not answer; what you see may be out of date."
      : "The engine does not answer.";
    this.replaceChildren(
      h(
        "div",
        { class: "notice lost", role: "alert" },
        icon("warn"),
        h("p", {}, h("strong", {}, what), " ", h("span", { class: "soft", data: { count: "" } })),
        commandLine("homeport status"),
        h("button", { type: "button", onclick: () => feed.retry() }, "Try now"),
      ),
    );
    return this.#count(feed);
  }

  /** @param {Feed} feed */
  #count(feed) {
    const node = this.querySelector("[data-count]");
    const seconds = Math.max(1, Math.ceil(((feed.retryAt ?? 0) - Date.now()) / 1000));
    if (node) setText(node, `Trying again in ${seconds} s.`);
  }

  /** @param {Status} status */
  #engine(status) {
    const sentences = [...(status.engine?.warnings ?? [])];
    const recording = status.engine?.recording;
    if (recording?.problem) sentences.push(recording.problem);
    if (recording?.lost) sentences.push(`${counted(recording.lost, "request")} passed without being recorded.`);
    const open = [...status.routes.values()].filter(({ exposed }) => exposed);
    const drawn = [
      ...sentences,
      ...open.map(({ name, exposed }) => `${name} ${exposed?.address} ${exposed?.ends}`),
    ].join("\n");
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.replaceChildren(
      ...(open.length
        ? [
            h(
              "div",
              { class: "notice lost open-beyond", role: "status" },
              icon("warn"),
              h("ul", {}, open.map(openLine)),
            ),
          ]
        : []),
      ...(sentences.length
        ? [
            h(
              "div",
              { class: "notice", role: "status" },
              icon("warn"),
              h(
                "ul",
                {},
                sentences.map((text) => h("li", {}, withCode(text))),
              ),
            ),
          ]
        : []),
    );
  }
}

/** @param {import("../data/types.js").RouteState} route */
function openLine({ name, exposed }) {
  const until = exposed?.ends ? `until ${since(exposed.ends)}` : "until it is closed";
  const command = h("code", {}, `homeport expose ${name} --close`);
  return h("li", {}, `${name} is open to other computers on ${exposed?.address}, ${until}. `, command);
}

customElements.define("hp-connection", Connection);
customElements.define("hp-notice", Notice);
