/**
 * Where on the page one is: view, filter and opened request, kept in the fragment so that a reload or a shared link
 * comes back to it. Fires "change" when it changed by itself (back, forward, an edited address).
 */

/** @typedef {"apps"|"requests"|"logs"|"network"} ViewName */

export class Place extends EventTarget {
  /** @type {ViewName} */ view = "requests";
  filter = "";
  /** @type {number|null} */ id = null;
  /** The app whose log is shown, "" for all. */ app = "";
  /** The route whose network is shown, "" for the first one. */ route = "";

  constructor() {
    super();
    this.#read();
    addEventListener("hashchange", () => {
      this.#read();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** @param {{view?: ViewName, filter?: string, id?: number|null, app?: string, route?: string}} change */
  set(change) {
    Object.assign(this, change);
    const words = new URLSearchParams();
    if (this.view !== "requests") words.set("view", this.view);
    if (this.filter) words.set("filter", this.filter);
    if (this.app) words.set("app", this.app);
    if (this.route) words.set("route", this.route);
    if (this.id !== null) words.set("id", String(this.id));
    const hash = words.size ? `#${words}` : "";
    history.replaceState(null, "", location.pathname + location.search + hash);
  }

  #read() {
    const words = new URLSearchParams(location.hash.slice(1));
    const view = words.get("view");
    this.view = view === "apps" || view === "logs" || view === "network" ? view : "requests";
    this.filter = words.get("filter") ?? "";
    this.app = words.get("app") ?? "";
    this.route = words.get("route") ?? "";
    const id = Number(words.get("id"));
    this.id = Number.isInteger(id) && id > 0 ? id : null;
  }
}
