/**
 * The network of one route: what it is like as plots of the last minute, what is asked of it, and the means to change
 * that. Everything goes through the engine; what the terminal sets shows up here, and the other way round.
 */

import { h } from "./dom.js";
import { emptyNetwork } from "./empty.js";
import { NetworkControls } from "./network-controls.js";
import { datagramsView } from "./datagrams.js";
import { Plot } from "./plot.js";
import { bits, parse, valueOf, MEASURES, SIDES } from "../text/conditions.js";
import { duration } from "../text/format.js";

/** @typedef {import("../data/types.js").RouteState} RouteState */
/** @typedef {import("../data/types.js").RouteMeasured} RouteMeasured */
/** @typedef {import("../data/measures.js").Sample} Sample */

const STATUS_MS = 1000; // datagrams are counted in the status, which is asked for more often while they are shown

const ANSWERS = [
  { name: "p50", label: "half within" },
  { name: "p95", label: "95 % within", minor: true },
];
const DELAYS = [
  { name: "up", label: "↑ up" },
  { name: "down", label: "↓ down" },
  { name: "up95", label: "↑ 95 %", minor: true },
  { name: "down95", label: "↓ 95 %", minor: true },
];
const RATES = [
  { name: "up", label: "↑ up" },
  { name: "down", label: "↓ down" },
];

class Network extends HTMLElement {
  /** @type {any} */ #parts;
  #route = "";
  #choice = h("select", { "aria-label": "Route", class: "route-choice" });
  #plots = h("div", { class: "plots" });
  #datagrams = h("section", { class: "net-part", hidden: true });
  #nothing = h("div", { class: "empty-place", hidden: true });
  #body = h("div", { class: "net-body" });
  /** @type {NetworkControls} */ #controls;
  /** @type {{latency: Plot, rate: Plot, kind: string}|null} */ #drawn = null;
  #timer = 0;

  /**
   * @param {{status: import("../data/status.js").Status, networks: import("../data/networks.js").Networks,
   *          measures: import("../data/measures.js").Measures, readStatus: () => void, go: (place: object) => void}} parts
   */
  connect(parts) {
    this.#parts = parts;
    this.#controls = new NetworkControls(parts.networks);
    this.#choice.addEventListener("change", () => parts.go({ route: this.#choice.value }));
    this.#nothing.append(emptyNetwork());
    this.#body.append(this.#plots, this.#controls.node, this.#datagrams);
    this.append(
      h("div", { class: "toolbar net-toolbar" }, this.#choice, this.#controls.client, this.#controls.head),
      h("div", { class: "scroller net-scroller" }, this.#body, this.#nothing),
    );
    parts.status.addEventListener("change", () => this.#draw());
    parts.networks.addEventListener("change", () => this.#draw());
    parts.measures.addEventListener("change", () => this.hidden || this.#drawPlots());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  /** It is seen, or no longer. "" is the route that was shown last. @param {string} route */
  show(route) {
    if (route) this.#route = route;
    this.#look();
    this.#draw();
  }

  #look() {
    const isSeen = !this.hidden && !document.hidden;
    this.#parts.measures.look(isSeen);
    clearInterval(this.#timer);
    if (isSeen) this.#timer = window.setInterval(() => this.#state?.udp && this.#parts.readStatus(), STATUS_MS);
  }

  /** @returns {RouteState|undefined} */
  get #state() {
    return this.#parts.status.routes.get(this.#route);
  }

  #draw() {
    if (this.hidden) return;
    const { status, networks } = this.#parts;
    /** @type {RouteState[]} */
    const routes = [...status.routes.values()].filter((route) => route.kind !== "control");
    if (!this.#route || (status.isKnown && !this.#state)) {
      const marked = routes.find((route) => networks.of(route.name).length);
      this.#route = (marked ?? routes[0])?.name ?? "";
    }
    const isEmpty = routes.length === 0;
    this.#controls.head.hidden = isEmpty;
    this.#nothing.hidden = !isEmpty || !status.isKnown;
    this.#body.hidden = isEmpty;
    this.#choice.hidden = isEmpty;
    this.#drawChoice(routes);
    const state = this.#state;
    if (!state) return;
    this.#controls.show(state);
    this.#datagrams.hidden = !state.udp;
    if (state.udp) {
      const drawn = JSON.stringify(state.udp);
      if (this.#datagrams.dataset.drawn !== drawn) this.#datagrams.replaceChildren(...datagramsView(state.udp));
      this.#datagrams.dataset.drawn = drawn;
    }
    this.#drawPlots();
  }

  /** @param {RouteState[]} routes */
  #drawChoice(routes) {
    const { networks } = this.#parts;
    const options = routes.map((route) => ({
      value: route.name,
      text: `${route.name}${networks.of(route.name).length ? " ●" : ""}`,
    }));
    const drawn = JSON.stringify(options);
    if (this.#choice.dataset.drawn !== drawn) {
      this.#choice.dataset.drawn = drawn;
      this.#choice.replaceChildren(...options.map(({ value, text }) => h("option", { value }, text)));
    }
    this.#choice.value = this.#route;
  }

  #drawPlots() {
    const state = this.#state;
    if (!state) return;
    const { measures, networks } = this.#parts;
    /** @type {Sample[]} */
    const samples = measures.of(this.#route);
    const isStream = state.kind === "tcp" || state.kind === "udp";
    const hasAnswers = samples.some(({ route }) => route?.answers);
    const onlyDelays = isStream || (!hasAnswers && samples.some(({ route }) => route?.up_delay || route?.down_delay));
    const kind = `${this.#route} ${onlyDelays}`;
    if (this.#drawn?.kind !== kind) this.#drawn = this.#makePlots(kind, state, onlyDelays);
    const words = parse(networks.get(this.#route)?.text ?? "");
    const { now } = measures;
    const marks = measures.marksOf(this.#route);
    const levels = levelsOf(words);
    this.#drawn.latency.draw({
      now,
      marks,
      levels: onlyDelays ? levels.delays : levels.answers,
      points: latencyOf(samples),
    });
    this.#drawn.rate.draw({ now, marks, levels: levels.rates, points: ratesOf(samples) });
  }

  /** @param {string} kind @param {RouteState} state @param {boolean} onlyDelays */
  #makePlots(kind, state, onlyDelays) {
    const where = state.url.startsWith("http") ? `curl ${state.url}` : state.listen;
    const nothing = [
      "Nothing passes now. What goes through ",
      h("code", {}, where || state.name),
      " is drawn here.",
    ].map((piece) => (typeof piece === "string" ? document.createTextNode(piece) : piece));
    const title = onlyDelays ? "Held back by the conditions" : "Time to the first byte of an answer";
    const latency = new Plot(title, onlyDelays ? DELAYS : ANSWERS, { unit: duration, least: 10, empty: nothing });
    const rate = new Plot("Throughput", RATES, {
      unit: bits,
      least: 8000,
      empty: [document.createTextNode("No byte passed in the last minute.")],
    });
    latency.node.dataset.plot = "latency";
    rate.node.dataset.plot = "throughput";
    this.#plots.replaceChildren(latency.node, rate.node);
    return { latency, rate, kind };
  }
}

/** @param {Sample[]} samples @returns {Record<string, import("./plot.js").Point[]>} */
function latencyOf(samples) {
  const read = (/** @type {(route: RouteMeasured) => number|null|undefined} */ pick) =>
    samples.map(({ at, route }) => ({ at, value: (route && pick(route)) ?? null }));
  return {
    p50: read((route) => route.answer_p50_ms),
    p95: read((route) => route.answer_p95_ms),
    up: read((route) => route.up_delay?.p50_ms),
    up95: read((route) => route.up_delay?.p95_ms),
    down: read((route) => route.down_delay?.p50_ms),
    down95: read((route) => route.down_delay?.p95_ms),
  };
}

/** @param {Sample[]} samples @returns {Record<string, import("./plot.js").Point[]>} */
function ratesOf(samples) {
  const hasPassed = samples.some(({ route }) => route && (route.up_bps || route.down_bps));
  // Of a second, that is two looks: what comes in bursts would jump up and down.
  const read = (/** @type {"up_bps"|"down_bps"} */ key) =>
    samples.map(({ at, route }, index) => {
      const now = route?.[key] ?? 0;
      const before = index ? (samples[index - 1].route?.[key] ?? 0) : now;
      return { at, value: hasPassed ? (now + before) / 2 : null };
    });
  return { up: read("up_bps"), down: read("down_bps") };
}

/** What the words ask for, as levels in the plots. @param {import("../text/conditions.js").Words} words */
function levelsOf(words) {
  const [latency, , , rate] = MEASURES;
  const asked = (/** @type {import("../text/conditions.js").Measure} */ measure) =>
    SIDES.map((side) => ({ name: side, value: valueOf(words, side, measure) }));
  const delays = asked(latency).filter(({ value }) => value > 0);
  const there = delays.reduce((sum, { value }) => sum + value, 0);
  return {
    delays,
    answers: there ? [{ name: "p50", value: there }] : [], // there and back
    rates: asked(rate).filter(({ value }) => value > 0 && value < Infinity),
  };
}

customElements.define("hp-network", Network);
