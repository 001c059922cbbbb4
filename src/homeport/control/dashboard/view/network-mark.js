/** The mark of a route whose network is not as it is: what a user must see who has forgotten that a 3g is in force. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../data/types.js").ConditionsState} ConditionsState */

const LETTERS = 34;

/** @param {ConditionsState} state @returns {string} its profile, or its words; short enough for a line */
export function shortName(state) {
  const text = state.profile || state.timeline || state.text || "as it is";
  return text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text;
}

/** A button that leads to the network of a route. @param {string} route @param {(place: object) => void} go */
export function networkButton(route, go) {
  const label = `Network of ${route}`;
  const onclick = () => go({ view: "network", route });
  const props = { type: "button", class: "quiet square network-button", title: label, "aria-label": label, onclick };
  return h("button", { ...props, data: { act: "network" } }, icon("network"));
}

/**
 * A button that leads to the network of the route; null where nothing is in force.
 * @param {string} route @param {ConditionsState[]} states @param {(place: object) => void} go
 */
export function networkMark(route, states, go) {
  if (!states.length) return null;
  const more = states.length > 1 ? ` +${states.length - 1}` : "";
  const first = states[0];
  const about = states
    .map((state) => [state.client && `for ${state.client}`, state.profile, ...state.words].filter(Boolean).join(", "))
    .join("\n");
  return h(
    "button",
    {
      type: "button",
      class: "network-mark",
      title: about,
      "aria-label": `Network of ${route}: ${about}`,
      data: { act: "network-mark" },
      onclick: () => go({ view: "network", route }),
    },
    icon("network"),
    h("span", {}, `${first.client ? `${first.client}: ` : ""}${shortName(first)}${more}`),
  );
}
