/** One app: its state as colour, shape and word, where it is, what is wrong and what to do, and its buttons. */

import { commandLine } from "./copy.js";
import { h, outLink, withCode } from "./dom.js";
import { entrance } from "./entrance.js";
import { icon } from "./icons.js";
import { networkButton, networkMark } from "./network-mark.js";
import { toastProblem } from "./toast.js";
import { moment, since } from "../text/format.js";

/** @typedef {import("../data/types.js").AppState} AppState */

/** @type {Record<string, string>} */
const WORDS = {
  idle: "starts on request",
  waiting: "waiting",
  starting: "starting",
  ready: "ready",
  backoff: "restarting",
  stopping: "stopping",
  stopped: "stopped",
  exited: "ended",
  failed: "failed",
};
const GONE = new Set(["stopped", "exited", "failed", "idle"]);

/** @param {AppState} app @returns {string} */
export function word(app) {
  const name = WORDS[app.state] ?? app.state;
  const withCode = app.state === "failed" && app.exit_code !== null;
  return withCode ? `${name}, exit ${app.exit_code}` : name;
}

export class AppCard {
  node = h("article", { class: "app" });
  #parts;
  #drawn = "";
  #isBusy = false;

  /**
   * @param {{api: import("../data/api.js").Api, status: import("../data/status.js").Status,
   *          networks: import("../data/networks.js").Networks, go: (place: object) => void}} parts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {AppState} app */
  show(app) {
    const networks = this.#parts.networks.of(app.route).map((state) => ({ ...state, counts: {} }));
    const route = this.#parts.status.routes.get(app.route);
    const drawn = JSON.stringify([app, this.#isBusy, networks, route?.access, route?.https, route?.exposed]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.node.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-act")
      : null;
    this.node.dataset.state = app.state;
    this.node.setAttribute("aria-label", `${app.route}: ${word(app)}`);
    this.node.replaceChildren(
      this.#title(app),
      ...this.#places(app, networks),
      ...(route ? entrance(route, this.#parts.api) : []),
      ...this.#problems(app),
      this.#buttons(app),
    );
    if (focused) /** @type {HTMLElement|null} */ (this.node.querySelector(`[data-act="${focused}"]`))?.focus();
  }

  /** @param {AppState} app */
  #title(app) {
    return h(
      "header",
      {},
      h("span", { class: "state-sign", "aria-hidden": "true" }),
      h(
        "h3",
        { class: "name", title: app.command || app.folder },
        app.route,
        app.default && h("span", { class: "tag", title: "answers on the plain address" }, "default"),
      ),
      h("span", { class: "state-word" }, word(app)),
    );
  }

  /** @param {AppState} app @param {import("../data/types.js").ConditionsState[]} networks @returns {Node[]} */
  #places(app, networks) {
    const isUp = app.state === "ready";
    const listens = app.listens.length ? app.listens.join(", ") : isUp ? app.address : "";
    const facts = [
      app.pid !== null && ["pid", String(app.pid)],
      app.port !== null && ["port", String(app.port)],
      app.started && [isUp ? "since" : "started", since(app.started), moment(app.started)],
      app.restarts > 0 && ["restarts", String(app.restarts)],
    ].filter((fact) => fact !== false && fact !== "");
    return [
      h(
        "p",
        { class: "url" },
        app.url && outLink(app.url, shortUrl(app.url), `Open ${app.route}: ${app.url}`),
        networkMark(app.route, networks, this.#parts.go) ?? networkButton(app.route, this.#parts.go),
      ),
      h(
        "dl",
        { class: "facts" },
        /** @type {string[][]} */ (facts).map(([name, value, title]) =>
          h("div", { title }, h("dt", {}, name), h("dd", {}, value)),
        ),
      ),
      listens ? h("p", { class: "listens" }, "listens on ", h("span", { class: "mono" }, listens)) : null,
    ].filter((node) => node !== null);
  }

  /** @param {AppState} app @returns {Node[]} */
  #problems(app) {
    const nodes = [];
    if (app.exposed) {
      nodes.push(
        h(
          "p",
          { class: "remark warn" },
          icon("warn"),
          h(
            "span",
            {},
            "Exposed: other machines on your network can reach it. Let it listen on ",
            h("code", {}, "127.0.0.1"),
            ".",
          ),
        ),
      );
    }
    if (app.notice) nodes.push(h("p", { class: "remark" }, h("span", {}, withCode(app.notice))));
    if (app.finding) {
      const { what, why, next } = app.finding;
      nodes.push(
        h(
          "div",
          { class: "finding" },
          h("p", {}, h("strong", {}, withCode(what))),
          why && h("p", {}, withCode(why)),
          ...nextStep(next),
        ),
      );
    }
    return nodes;
  }

  /** @param {AppState} app */
  #buttons(app) {
    const { go } = this.#parts;
    const isGone = GONE.has(app.state);
    return h(
      "footer",
      {},
      this.#act(app, "restart", isGone ? "Start" : "Restart", isGone ? "start" : "restart"),
      !isGone && this.#act(app, "stop", "Stop", "stop"),
      h(
        "span",
        { class: "looks" },
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            data: { act: "requests" },
            onclick: () => go({ view: "requests", filter: `route:${app.route}` }),
            "aria-label": `Requests to ${app.route}`,
          },
          "Requests",
        ),
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            data: { act: "logs" },
            onclick: () => go({ view: "logs", app: app.route }),
            "aria-label": `Log of ${app.route}`,
          },
          "Log",
        ),
      ),
    );
  }

  /** @param {AppState} app @param {"stop"|"restart"} verb @param {string} label @param {import("./icons.js").IconName} sign */
  #act(app, verb, label, sign) {
    const isOff = this.#isBusy || app.state === "stopping";
    return h(
      "button",
      {
        type: "button",
        disabled: isOff,
        data: { act: verb },
        "aria-label": `${label} ${app.route}`,
        onclick: () => this.#do(app, verb),
      },
      icon(sign),
      label,
    );
  }

  /** @param {AppState} app @param {"stop"|"restart"} verb */
  async #do(app, verb) {
    const { api, status } = this.#parts;
    this.#isBusy = true;
    this.show(status.apps.get(app.route) ?? app);
    try {
      status.setApp(await api.post(`/api/apps/${encodeURIComponent(app.route)}/${verb}`));
    } catch (problem) {
      toastProblem(problem);
    } finally {
      this.#isBusy = false;
      this.show(status.apps.get(app.route) ?? app);
    }
  }
}

/**
 * A finding's next step is a command, or a sentence with commands between backticks.
 * @param {string} next @returns {Node[]}
 */
function nextStep(next) {
  if (!next) return [];
  if (/^[a-z./~][^\s]*(\s|$)/.test(next) && !next.includes("`") && !/[.!]$/.test(next)) return [commandLine(next)];
  const commands = [...next.matchAll(/`([^`]+)`/g)].map((found) => found[1]);
  return [h("p", {}, withCode(next)), ...commands.slice(0, 1).map(commandLine)];
}

/** @param {string} url */
function shortUrl(url) {
  return url.replace(/^http:\/\//, "").replace(/\/$/, "");
}
