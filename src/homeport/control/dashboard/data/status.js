/**
 * What runs: apps, routes and the engine itself, as the last answer or event told. Fires "change" once per frame, and
 * "app" (with the app and its former state) for what should be said aloud.
 */

import { oncePerFrame } from "./frame.js";

/** @typedef {import("./types.js").AppState} AppState */
/** @typedef {import("./types.js").RouteState} RouteState */

export class Status extends EventTarget {
  /** @type {Map<string, AppState>} by route */ apps = new Map();
  /** @type {Map<string, RouteState>} by name */ routes = new Map();
  /** @type {import("./types.js").EngineState|null} */ engine = null;
  /** Whether anything was heard at all. */ isKnown = false;
  #changed = oncePerFrame(() => this.dispatchEvent(new Event("change")));

  /** The whole truth: what it does not name is gone. @param {import("./types.js").StatusAnswer} answer */
  replace(answer) {
    const former = this.apps;
    this.engine = answer.engine;
    this.apps = new Map(answer.apps.map((app) => [app.route, app]));
    this.routes = new Map(answer.routes.map((route) => [route.name, route]));
    this.isKnown = true;
    for (const app of answer.apps) this.#tell(app, former.get(app.route));
    this.#changed();
  }

  /** @param {AppState} app */
  setApp(app) {
    const former = this.apps.get(app.route);
    this.apps.set(app.route, app);
    this.#tell(app, former);
    this.#changed();
  }

  /** @param {RouteState} route */
  setRoute(route) {
    if (route.gone) this.routes.delete(route.name);
    else this.routes.set(route.name, route);
    this.#changed();
  }

  /** @param {import("./types.js").EngineState} engine */
  setEngine(engine) {
    this.engine = engine;
    this.#changed();
  }

  /** @param {AppState} app @param {AppState|undefined} former */
  #tell(app, former) {
    if (former && former.state !== app.state) this.dispatchEvent(new CustomEvent("app", { detail: app }));
  }
}
