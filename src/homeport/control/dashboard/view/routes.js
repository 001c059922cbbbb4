/** The routes that are not apps (an app's route stands on its card), and the engine below them. */

import { h, outLink, withCode } from "./dom.js";
import { count, counted, moment, since, size } from "../text/format.js";

/** @typedef {import("../data/status.js").Status} Status */
/** @typedef {import("../data/types.js").RouteState} RouteState */

class Routes extends HTMLElement {
  #drawn = "";

  /** @param {{status: Status, go: (place: object) => void}} parts */
  connect({ status, go }) {
    const draw = () => {
      const routes = [...status.routes.values()].filter((route) => route.kind !== "control");
      const drawn = JSON.stringify(routes);
      if (drawn === this.#drawn) return;
      this.#drawn = drawn;
      this.hidden = routes.length === 0;
      this.replaceChildren(h("h2", {}, "Routes"), table(routes, go));
    };
    this.hidden = true;
    status.addEventListener("change", draw);
  }
}

/** @param {RouteState[]} routes @param {(place: object) => void} go */
function table(routes, go) {
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
            onclick: () => go({ view: "requests", filter: `route:${route.name}` }),
          },
          route.name,
        ),
        h("span", { class: "target mono" }, `→ ${route.target || "nowhere now"}`),
        visits(route),
        route.listen && h("span", { class: "target more" }, "on ", h("span", { class: "mono" }, route.listen)),
        route.kind !== "app" &&
          route.url.startsWith("http") &&
          h(
            "span",
            { class: "target more" },
            outLink(route.url, route.url.replace(/^http:\/\/|\/$/g, ""), `Open ${route.name}`),
          ),
      ),
    ),
  );
}

/** @param {RouteState} route */
function visits({ visits, active }) {
  const title = `${counted(visits, "visit")}, ${count(active)} under way`;
  return h(
    "span",
    { class: "visits", title },
    active > 0 && h("span", { class: "active" }, `${count(active)} open, `),
    count(visits),
  );
}

class Engine extends HTMLElement {
  #list = h("dl", { class: "engine" });

  /** @param {{status: Status}} parts */
  connect({ status }) {
    this.append(h("h2", {}, "Engine"), this.#list);
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
