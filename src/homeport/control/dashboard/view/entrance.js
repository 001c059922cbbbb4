/** Who may come in by a route and how: its rule, https, a link that works once, and in red where other computers reach it. */

import { copy } from "./copy.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toast, toastProblem } from "./toast.js";
import { since } from "../text/format.js";

/** @typedef {import("../data/types.js").RouteState} RouteState */

const ANYONE = "anyone-local"; // of homeport.model.access: nothing to tell
const HTTPS = { also: "", only: "https only", off: "no https" };
const TLS = { "": "", terminate: "TLS ends here", pass: "TLS passed on" };

/** @param {RouteState} route @param {import("../data/api.js").Api} api @returns {Node[]} */
export function entrance(route, api) {
  const access = route.access && route.access !== ANYONE ? route.access : "";
  const tags = [access, HTTPS[route.https] ?? "", TLS[route.tls] ?? ""].filter(Boolean);
  const takesToken = /\btoken\b/.test(access);
  const nodes = [];
  if (tags.length)
    nodes.push(
      h(
        "p",
        { class: "entrance" },
        tags.map((tag) => h("span", { class: "tag" }, tag)),
        takesToken && linkButton(route.name, () => api.post(`/api/routes/${encodeURIComponent(route.name)}/link`)),
      ),
    );
  if (route.exposed) nodes.push(exposed(route.name, route.exposed, api));
  return nodes;
}

/**
 * A button that makes a link with a key that works once, and copies it.
 * @param {string} name where it leads @param {() => Promise<{url: string}>} make @param {string} [who] it is for
 */
export function linkButton(name, make, who = "") {
  const label = `Copy a one-time link to ${name}${who && ` ${who}`}`;
  const go = async () => {
    try {
      const { url } = await make();
      const isDone = await copy(url);
      toast(
        isDone
          ? `Copied a link to ${name}. It lets one browser in, once, and only soon.`
          : "The browser did not allow copying.",
      );
    } catch (problem) {
      toastProblem(problem);
    }
  };
  return h(
    "button",
    { type: "button", class: "quiet link-once", "aria-label": label, title: label, onclick: go },
    icon("copy"),
    "One-time link",
  );
}

/** @param {string} name @param {NonNullable<RouteState["exposed"]>} open @param {import("../data/api.js").Api} api */
function exposed(name, { address, url, access, ends }, api) {
  const path = `/api/routes/${encodeURIComponent(name)}/expose`;
  const close = () => api.delete(path).catch(toastProblem); // the route's own event says that it is closed
  const until = ends ? `until ${since(ends)}` : "until it is closed";
  return h(
    "p",
    { class: "remark bad exposed", role: "note", "aria-label": `${name} is open to other computers` },
    icon("warn"),
    h(
      "span",
      {},
      "Open to other computers on ",
      h("span", { class: "mono", title: url }, address),
      ` (${access}), ${until}. `,
      h(
        "span",
        { class: "exposed-acts" },
        h(
          "button",
          { type: "button", class: "danger", "aria-label": `Close ${name} to other computers`, onclick: close },
          "Close",
        ),
        linkButton(name, () => api.post(`${path}/link`), "for another device"),
      ),
    ),
  );
}
