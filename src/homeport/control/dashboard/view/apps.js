/** The apps, grouped by project. Cards are kept and updated in place, so that focus and open menus survive events. */

import { announce, h } from "./dom.js";
import { AppCard, word } from "./app-card.js";
import { commandLine } from "./copy.js";

/** @typedef {import("../data/types.js").AppState} AppState */

class Apps extends HTMLElement {
  #list = h("div", { class: "app-list" });
  #empty = empty();
  /** @type {Map<string, AppCard>} */ #cards = new Map();
  /** @type {any} */ #parts;

  /**
   * @param {{api: import("../data/api.js").Api, status: import("../data/status.js").Status,
   *          networks: import("../data/networks.js").Networks, go: (place: object) => void}} parts
   */
  connect(parts) {
    this.#parts = parts;
    this.append(h("h2", {}, "Apps"), this.#list, this.#empty);
    parts.status.addEventListener("change", () => this.#draw(parts.status));
    parts.networks.addEventListener("change", () => this.#draw(parts.status));
    parts.status.addEventListener("app", (event) => {
      const app = /** @type {CustomEvent<AppState>} */ (event).detail;
      announce(`${app.route} is ${word(app)}`);
    });
    this.#draw(parts.status);
  }

  /** @param {import("../data/status.js").Status} status */
  #draw(status) {
    const apps = [...status.apps.values()];
    this.#empty.hidden = apps.length > 0 || !status.isKnown;
    for (const [route, card] of this.#cards) {
      if (status.apps.has(route)) continue;
      card.node.remove();
      this.#cards.delete(route);
    }
    const projects = new Map(apps.map((app) => [app.folder, app.project]));
    /** @type {Node[]} */
    const nodes = [];
    for (const [folder, project] of projects) {
      if (projects.size > 1)
        nodes.push(h("h3", { title: folder }, project, h("span", { class: "soft" }, shortFolder(folder))));
      for (const app of apps) if (app.folder === folder) nodes.push(this.#card(app).node);
    }
    arrange(this.#list, nodes);
  }

  /** @param {AppState} app */
  #card(app) {
    let card = this.#cards.get(app.route);
    if (!card) this.#cards.set(app.route, (card = new AppCard(this.#parts)));
    card.show(app);
    return card;
  }
}

/**
 * Put the nodes in order without touching those that stand right already: a moved node loses the focus.
 * @param {Element} parent @param {Node[]} nodes
 */
function arrange(parent, nodes) {
  for (const heading of parent.querySelectorAll(":scope > h3")) heading.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/** @param {string} folder */
function shortFolder(folder) {
  return folder.split("/").slice(-2).join("/");
}

function empty() {
  return h(
    "div",
    { class: "empty", hidden: true },
    h("p", {}, "Nothing runs yet. In a project folder, start anything:"),
    commandLine("homeport run -- npm run dev"),
    h("p", {}, "or everything that the folder holds:"),
    commandLine("homeport up"),
    h("p", {}, "or look at three small apps that come along:"),
    commandLine("homeport demo"),
  );
}

customElements.define("hp-apps", Apps);
