/** What is asked of a route's network: profile, sliders, sudden faults, plain words, and the command that does the same. */

import { commandLine } from "./copy.js";
import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { Sliders } from "./sliders.js";
import { ApiError } from "../data/api.js";
import { parse, withWords, written } from "../text/conditions.js";
import { quoted } from "../text/curl.js";
import { clock, count } from "../text/format.js";

/** @typedef {import("../data/types.js").RouteState} RouteState */
/** @typedef {import("../data/types.js").ConditionsState} ConditionsState */

const CUT_S = 1; // so long whatever passes is reset: who is quiet meanwhile is spared
const OWN = "own settings";
const LENGTHS = [
  ["3", "for 3 s"],
  ["10", "for 10 s"],
  ["60", "for 1 min"],
  ["", "until cleared"],
];
const OUTAGES = [
  ["refuse", "refuse connections"],
  ["hang", "let them hang"],
  ["drop", "drop them"],
];
const COUNTED = ["lost", "queue-full", "silence", "outage", "duplicated", "reordered", "corrupted", "retransmitted"];

export class NetworkControls {
  #networks;
  #route = "";
  /** @type {RouteState|null} */ #state = null;
  #words = parse("");
  #standing = h("span", { class: "net-state", role: "status" });
  #clear = h("button", { type: "button", onclick: () => this.#do(() => this.#networks.clear(this.#route, this.#who)) });
  #profile = h("select", { id: "net-profile" });
  #sliders = new Sliders((words) => this.#wish(written(words)));
  #cut = h("button", { type: "button", class: "danger", onclick: () => this.#reset() }, "Reset connections now");
  #how = h("select", { "aria-label": "How nobody is there" }, options(OUTAGES));
  #long = h("select", { "aria-label": "How long" }, options(LENGTHS));
  #outage = h("button", { type: "button", class: "danger", onclick: () => this.#breakDown() });
  #text = h("input", { type: "text", class: "mono", id: "net-text", spellcheck: "false", autocomplete: "off" });
  #plain = h("ul", { class: "net-plain" });
  #counts = h("p", { class: "soft" });
  #command = h("div", {});
  #problem = h("p", { class: "remark bad", role: "alert", hidden: true });
  client = h("select", { "aria-label": "Client", class: "client-choice" });
  head = h("header", { class: "net-head" }, this.#standing, this.#clear);
  node;

  /** @param {import("../data/networks.js").Networks} networks */
  constructor(networks) {
    this.#networks = networks;
    this.#profile.addEventListener("change", () => this.#profile.value !== OWN && this.#wish(this.#profile.value));
    this.client.addEventListener("change", () => this.#state && this.show(this.#state));
    this.node = h("div", { class: "net-controls" }, this.#problem, this.#shaping(), this.#faults(), this.#saying());
  }

  /** @param {RouteState} state */
  show(state) {
    if (state.name !== this.#route) {
      this.#route = state.name;
      this.#problem.hidden = true;
      this.client.value = "";
    }
    this.#state = state;
    this.#drawClients(state);
    if (this.#networks.isChanging(this.#route, this.#who)) return;
    const now = this.#networks.get(this.#route, this.#who);
    this.#words = parse(now?.text ?? "");
    this.#sliders.show(this.#words);
    this.#drawState(now);
    this.#drawProfile(now);
    this.#drawFaults(state);
    this.#drawWords(now);
  }

  get #who() {
    return this.client.value;
  }

  #shaping() {
    return h(
      "section",
      { class: "net-part net-shaping" },
      h("div", { class: "net-line" }, h("label", { for: "net-profile" }, "Profile"), this.#profile),
      this.#sliders.node,
    );
  }

  #faults() {
    return h(
      "section",
      { class: "net-part net-faults", "aria-label": "Sudden faults" },
      h("h3", {}, "Sudden faults"),
      h("div", { class: "net-line" }, this.#outage, this.#how, this.#long),
      h("div", { class: "net-line" }, this.#cut),
    );
  }

  #saying() {
    const apply = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#wish(this.#text.value.trim());
    };
    return h(
      "section",
      { class: "net-part net-words" },
      h("h3", {}, "In words"),
      this.#plain,
      this.#counts,
      h(
        "form",
        { class: "net-line", onsubmit: apply },
        h("label", { for: "net-text", class: "unseen" }, "Conditions as KEY=VALUE words"),
        this.#text,
        h("button", { type: "submit" }, "Set"),
      ),
      this.#command,
    );
  }

  /** @param {RouteState} state */
  #drawClients(state) {
    const known = [...this.#networks.of(state.name), ...(state.udp?.clients ?? [])].map((one) => one.client);
    const clients = [...new Set([...known, ...this.#networks.clients, this.#who])].filter(Boolean).sort();
    const drawn = JSON.stringify([state.name, clients]);
    this.client.hidden = clients.length === 0;
    if (this.client.dataset.drawn === drawn) return;
    const chosen = this.#who;
    this.client.dataset.drawn = drawn;
    this.client.replaceChildren(
      h("option", { value: "" }, "every client"),
      ...options(clients.map((one) => [one, one])),
    );
    this.client.value = chosen;
  }

  /** @param {ConditionsState|undefined} now */
  #drawState(now) {
    const name = now ? now.profile || (now.timeline ? `timeline ${now.timeline}` : OWN) : "the network as it is";
    const until = now?.ends ? `, ${now.timeline ? "next step" : "until"} ${clock(now.ends)}` : "";
    setText(this.#standing, `${name}${until}`);
    this.#standing.classList.toggle("in-force", Boolean(now));
    const others = this.#networks.of(this.#route).length - (now ? 1 : 0);
    const label =
      now || !others || this.#who ? "Clear" : `Clear those of ${others === 1 ? "one client" : `${others} clients`}`;
    this.#clear.replaceChildren(icon("close"), label);
    this.#clear.disabled = !now && (Boolean(this.#who) || !others);
  }

  /** @param {ConditionsState|undefined} now */
  async #drawProfile(now) {
    if (!this.#profile.childElementCount) {
      const profiles = await this.#networks.profiles().catch(() => []);
      if (!profiles.length) return;
      if (!this.#profile.childElementCount) this.#profile.append(...profileOptions(profiles));
      now = this.#networks.get(this.#route, this.#who);
    }
    this.#profile.value = now ? now.profile || OWN : "";
    if (this.#profile.selectedIndex < 0) this.#profile.value = OWN;
  }

  /** @param {RouteState} state */
  #drawFaults(state) {
    const isOut = this.#words.up.has("outage") || this.#words.down.has("outage");
    this.#cut.hidden = state.kind === "udp";
    this.#how.hidden = this.#long.hidden = isOut;
    setText(this.#outage, isOut ? "End the outage" : "Outage");
    this.#outage.classList.toggle("danger", !isOut);
  }

  /** @param {ConditionsState|undefined} now */
  #drawWords(now) {
    this.#plain.replaceChildren(...(now?.words ?? ["nothing is changed"]).map((words) => h("li", {}, words)));
    const seen = COUNTED.filter((what) => now?.counts[what]).map((what) => `${count(now?.counts[what] ?? 0)} ${what}`);
    setText(this.#counts, seen.length ? `Of ${count(now?.counts.came ?? 0)} so far: ${seen.join(", ")}` : "");
    const text = now?.text ?? "";
    if (document.activeElement !== this.#text) this.#text.value = text;
    const who = this.#who ? ` --client ${quoted(this.#who)}` : "";
    const command = text
      ? `homeport net set ${quoted(this.#route)} ${(now?.profile || text).split(" ").map(quoted).join(" ")}${who}`
      : `homeport net set ${quoted(this.#route)} 3g`;
    if (this.#command.textContent !== command) this.#command.replaceChildren(commandLine(command));
  }

  /** @param {string} text @param {number} [lastsS] */
  #wish(text, lastsS) {
    return this.#do(() => this.#networks.wish(this.#route, this.#who, { text, lasts_s: lastsS }));
  }

  #reset() {
    return this.#wish(written(withWords(this.#words, { reset: "yes" })), CUT_S);
  }

  #breakDown() {
    if (this.#words.up.has("outage") || this.#words.down.has("outage"))
      return this.#wish(written(withWords(this.#words, { outage: null })));
    const text = written(withWords(this.#words, { outage: this.#how.value }));
    return this.#wish(text, this.#long.value ? Number(this.#long.value) : undefined);
  }

  /** @param {() => Promise<void>} change */
  async #do(change) {
    try {
      await change();
      this.#problem.hidden = true;
    } catch (problem) {
      const hint = problem instanceof ApiError && problem.hint ? ` (${problem.hint})` : "";
      this.#problem.replaceChildren(icon("warn"), h("span", {}, `${/** @type {Error} */ (problem).message}${hint}`));
      this.#problem.hidden = false;
    }
    if (this.#state) this.show(this.#state);
  }
}

/** @param {string[][]} choices */
function options(choices) {
  return choices.map(([value, label]) => h("option", { value }, label));
}

/** @param {import("../data/types.js").ProfileState[]} profiles @returns {Node[]} those of one source together */
function profileOptions(profiles) {
  const sources = [...new Set(profiles.map(({ source }) => source))];
  return [
    h("option", { value: "" }, "none: as it is"),
    h("option", { value: OWN, disabled: true, hidden: true }, OWN),
    ...sources.map((source) =>
      h(
        "optgroup",
        { label: source },
        profiles
          .filter((one) => one.source === source)
          .map(({ name, text }) => h("option", { value: name }, `${name}  (${text})`)),
      ),
    ),
  ];
}
