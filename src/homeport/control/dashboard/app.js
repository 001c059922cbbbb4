/**
 * The page, plugged together: enters, makes the models, hands each view what it needs, and starts the feed. No view knows
 * another; what happens between them happens here.
 */

import { Api } from "./data/api.js";
import { enter, hasKey, leave, storedToken } from "./data/entry.js";
import { Exchanges } from "./data/exchanges.js";
import { Feed } from "./data/feed.js";
import { Logs } from "./data/logs.js";
import { Measures } from "./data/measures.js";
import { Networks } from "./data/networks.js";
import { Place } from "./data/place.js";
import { Status } from "./data/status.js";
import { listenToKeys } from "./view/keys.js";
import "./view/apps.js";
import "./view/connection.js";
import "./view/detail.js";
import "./view/help.js";
import "./view/lamp.js";
import "./view/logs.js";
import "./view/network.js";
import "./view/requests.js";
import "./view/routes.js";
import "./view/signin.js";
import "./view/theme.js";
import "./view/toast.js";
import "./view/views.js";

const STATUS_MS = 5000; // counters and removed routes are told by no event

/** @param {string} name @returns {any} */
const view = (name) => document.querySelector(`hp-${name}`);

async function main() {
  addEventListener("hashchange", () => hasKey() && location.reload()); // a fresh link, opened in this very tab
  let token;
  try {
    token = await enter();
  } catch (problem) {
    // A link that was used before, in a browser that is already in: the key is no longer needed.
    token = storedToken();
    const isIn = await new Api(token).get("/api/status").then(
      () => true,
      () => false,
    );
    if (!isIn) return signedOut(/** @type {Error} */ (problem).message);
  }
  return show(new Api(token));
}

/** @param {Api} api */
function show(api) {
  const place = new Place();
  const status = new Status();
  const exchanges = new Exchanges(api);
  const logs = new Logs(api);
  const networks = new Networks(api);
  const measures = new Measures((isWanted) => feed.measure(isWanted));
  const feed = new Feed(api, (type, data) => {
    if (type === "exchange") arrived(data);
    else if (type === "log") logs.add(data);
    else if (type === "app") status.setApp(data);
    else if (type === "route") routeChanged(data);
    else if (type === "conditions") networks.set(data);
    else if (type === "engine") status.setEngine(data);
    else if (type === "measured") measures.add(data);
    else if (type === "lost") catchUp(); // this page did not keep up: fetch what the stream dropped
  });
  const detail = view("detail");
  const requests = view("requests");

  /** @param {import("./data/types.js").ExchangeSummary} exchange */
  function arrived(exchange) {
    exchanges.add(exchange);
    detail.changed(exchange.id);
  }

  /** @param {import("./data/types.js").RouteState} route */
  function routeChanged(route) {
    status.setRoute(route);
    if (route.gone) networks.forget(route.name);
  }

  /** @param {{view?: import("./data/place.js").ViewName, filter?: string, app?: string, route?: string}} to */
  function go(to) {
    place.set(to);
    goThere();
  }

  function goThere() {
    view("views").show(place.view);
    view("logs").hidden = place.view !== "logs";
    view("network").hidden = place.view !== "network";
    requests.hidden = place.view === "logs" || place.view === "network";
    requests.filter(place.filter);
    if (place.view === "logs") view("logs").shown();
    view("network").show(place.route);
    if (place.app !== logs.app || !logs.isLoaded) view("logs").show(place.app);
  }

  /** @param {number} id @param {boolean} moveFocus */
  function open(id, moveFocus = false) {
    place.set({ id });
    detail.open(id, moveFocus);
    requests.mark(id);
  }

  /** @param {string} filter */
  function filtered(filter) {
    place.set({ filter });
    feed.use(filter);
  }

  api.addEventListener("signed-out", () => {
    feed.end();
    leave();
    signedOut(status.isKnown ? "The engine was started anew, and what let this page in ended with it." : "");
  });
  view("connection").connect({ feed, status });
  view("notice").connect({ feed, status });
  view("apps").connect({ api, status, networks, go });
  view("routes").connect({ api, status, networks, go });
  view("engine").connect({ api, status });
  view("views").connect({ go, networks });
  view("network").connect({ status, networks, measures, readStatus: () => readStatus(), go });
  networks.addEventListener("told", (event) => {
    const state = /** @type {CustomEvent<import("./data/types.js").ConditionsState>} */ (event).detail;
    measures.mark(
      state.route,
      state.gone ? "" : `${state.client && `${state.client}: `}${state.profile || state.text}`,
    );
  });
  view("logs").connect({ logs, status, chosen: (/** @type {string} */ app) => go({ app }) });
  requests.connect({ exchanges, status, open, filtered });
  detail.connect({ api, closed: () => (place.set({ id: null }), requests.focusCursor()) });
  requests.addEventListener("cursor", (/** @type {CustomEvent<number>} */ event) => {
    if (detail.shownId !== null && detail.shownId !== event.detail) open(event.detail);
  });
  place.addEventListener("change", goThere);
  listenToKeys(actions({ go, open, requests, detail, place }));
  document.querySelector("#help-button")?.addEventListener("click", () => view("help").toggle());
  document.querySelector("[data-skip]")?.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  });

  const readStatus = () =>
    api.get("/api/status").then(
      (answer) => status.replace(answer),
      () => undefined,
    );
  const readNetworks = () => networks.load().catch(() => undefined);
  function catchUp() {
    readStatus();
    readNetworks();
    if (exchanges.isLoaded) exchanges.catchUp().catch(() => undefined);
    else requests.filter(place.filter);
    if (logs.isLoaded) logs.catchUp().catch(() => undefined);
    else view("logs").show(place.app);
  }
  feed.addEventListener("open", catchUp);
  setInterval(() => feed.state === "live" && !document.hidden && (readStatus(), readNetworks()), STATUS_MS);
  addEventListener("online", () => feed.retry());
  document.addEventListener("visibilitychange", () => document.hidden || feed.retry());

  /** @type {HTMLElement} */ (document.querySelector(".harbour")).hidden = false;
  goThere();
  if (place.id !== null) open(place.id);
  feed.start();
}

/**
 * What the keys do.
 * @param {{go: (to: any) => void, open: (id: number, moveFocus: boolean) => void, requests: any, detail: any, place: Place}} parts
 * @returns {Record<string, () => void>}
 */
function actions({ go, open, requests, detail, place }) {
  const isList = () => place.view !== "logs" && place.view !== "network";
  const current = () => (place.view === "logs" ? view("logs") : requests);
  const next = () => isList() && requests.move(1);
  const previous = () => isList() && requests.move(-1);
  return {
    j: next,
    ArrowDown: next,
    k: previous,
    ArrowUp: previous,
    Enter: () => isList() && requests.cursor !== null && open(requests.cursor, true),
    Escape: () => {
      const focused = /** @type {HTMLElement|null} */ (document.activeElement);
      if (focused?.matches("input, select, textarea")) focused.blur();
      else detail.close();
    },
    "/": () => place.view !== "network" && current().focusFilter(),
    p: () => (place.view === "logs" ? view("logs").toggle() : isList() && requests.pause()),
    c: () => detail.copyCurl(),
    1: () => (go({ view: "apps" }), document.getElementById("side")?.focus()),
    2: () => go({ view: "requests" }),
    3: () => go({ view: "logs" }),
    4: () => go({ view: "network" }),
    "?": () => view("help").toggle(),
  };
}

/** @param {string} why */
function signedOut(why) {
  /** @type {HTMLElement} */ (document.querySelector(".harbour")).hidden = true;
  view("notice").hidden = true;
  view("signin").show(why);
}

main();
