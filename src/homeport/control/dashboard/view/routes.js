/** The routes that are not apps (an app's route stands on its card), and the engine below them. */

import { h, outLink, withCode } from "./dom.js";
import { entrance, linkButton } from "./entrance.js";
import { networkButton, networkMark } from "./network-mark.js";
import { count, counted, moment, since, size } from "../text/format.js";

/** @typedef {import("../data/status.js").Status} Status */
/** @typedef {import("../data/types.js").RouteState} RouteState */

class Routes extends HTMLElement {
  #drawn = "";

  /**
   * @param {{api: import("../data/api.js").Api, status: Status, networks: import("../data/networks.js").Networks,
   *          go: (place: object) => void}} parts
   */
  connect(parts) {
    const { status, networks } = parts;
    const draw = () => {
      const routes = [...status.routes.values()].filter((route) => route.kind !== "control");
      const drawn = JSON.stringify([routes.map((route) => ({ ...route, udp: null })), networks.all.map(textOf)]);
      if (drawn === this.#drawn) return;
      this.#drawn = drawn;
      this.hidden = routes.length === 0;
      const focused = this.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
      this.replaceChildren(h("h2", {}, "Routes"), table(routes, parts));
      if (focused)
        [...this.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
    };
    this.hidden = true;
    status.addEventListener("change", draw);
    networks.addEventListener("change", draw);
  }
}

/** @param {import("../data/types.js").ConditionsState} state */
function textOf(state) {
  return [state.route, state.client, state.profile, state.text, state.timeline];
}

/**
 * @param {RouteState[]} routes
 * @param {{api: import("../data/api.js").Api, networks: import("../data/networks.js").Networks, go: (place: object) => void}} parts
 */
function table(routes, { api, networks, go }) {
  return h(
    "ul",
    { class: "routes" },
    routes.map((route) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: "link route-name",
            title: `Requests to ${route.name}`,
            "aria-label": `${route.name}: requests to it`,
            onclick: () => go({ view: "requests", filter: `route:${route.name}` }),
          },
          route.name,
        ),
        h("span", { class: "target mono" }, `→ ${route.target || "nowhere now"}`),
        h(
          "span",
          { class: "visits" },
          visits(route),
          route.kind !== "app" && !networks.of(route.name).length && networkButton(route.name, go),
        ),
        route.listen && h("span", { class: "target more" }, "on ", h("span", { class: "mono" }, route.listen)),
        route.kind !== "app" &&
          route.url.startsWith("http") &&
          h(
            "span",
            { class: "target more" },
            outLink(route.url, route.url.replace(/^http:\/\/|\/$/g, ""), `Open ${route.name}`),
          ),
        // An app's card says the rest.
        route.kind !== "app" && h("div", { class: "more" }, entrance(route, api)),
        h("div", { class: "more" }, networkMark(route.name, networks.of(route.name), go)),
      ),
    ),
  );
}

/** @param {RouteState} route */
function visits({ visits, active }) {
  const title = `${counted(visits, "visit")}, ${count(active)} under way`;
  return h("span", { title }, active > 0 && h("span", { class: "active" }, `${count(active)} open, `), count(visits));
}

class Engine extends HTMLElement {
  #list = h("dl", { class: "engine" });

  /** @param {{api: import("../data/api.js").Api, status: Status}} parts */
  connect({ api, status }) {
    const link = linkButton("this page", () => api.post("/api/engine/link"));
    this.append(h("h2", {}, "Engine"), this.#list, h("p", { class: "entrance" }, link));
    this.hidden = true;
    status.addEventListener("change", () => this.#draw(status));
  }

  /** @param {Status} status */
  #draw({ engine }) {
    this.hidden = !engine;
    if (!engine) return;
    const { recording } = engine;
    const rows = [
      ["Doors", engine.doors.join("\n"), "mono"],
      ["Recording", `${counted(recording.exchanges, "exchange")}, ${size(recording.bytes)}`, ""],
      ["Lost", recording.lost ? `${count(recording.lost)} not recorded` : "none", recording.lost ? "warn" : ""],
      ["Log lines lost", recording.lost_lines ? count(recording.lost_lines) : "", "warn"],
      ["Problem", recording.problem, "warn"],
      ["Runs since", since(engine.started), "", moment(engine.started)],
      ["Version", `${engine.version}, pid ${engine.pid}`, ""],
      ["Home", engine.home, "mono"],
      ...engine.warnings.map((text) => ["Warning", text, "warn"]),
    ].filter(([, value]) => value);
    const drawn = rows.flat().join("\n");
    if (this.dataset.drawn === drawn) return;
    this.dataset.drawn = drawn;
    this.#list.replaceChildren(
      ...rows.map(([name, value, kind, title]) =>
        h("div", { title }, h("dt", {}, name), h("dd", { class: kind || null }, withCode(value))),
      ),
    );
  }
}

customElements.define("hp-routes", Routes);
customElements.define("hp-engine", Engine);
