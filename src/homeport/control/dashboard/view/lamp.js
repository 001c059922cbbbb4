/**
 * The mark of homeport: a harbour gate over the water with a light in it. The light burns while the page hears the
 * engine and goes out when it does not; the words beside it are view/connection.js.
 */

import { drawing } from "./icons.js";

class Lamp extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(mark());
  }
}

/** @returns {SVGSVGElement} */
export function mark() {
  return drawing("0 0 32 32", "mark", [
    { d: "M8 22V14a8 8 0 0 1 16 0v8", class: "gate" },
    { d: "M16 10.8a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z", class: "light" },
    { d: "M4 26.6c2-1.7 4-1.7 6 0s4 1.7 6 0 4-1.7 6 0 4 1.7 6 0", class: "water" },
  ]);
}

customElements.define("hp-lamp", Lamp);
