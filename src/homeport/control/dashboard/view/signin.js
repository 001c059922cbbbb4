/** What stands on the page when the engine does not let it in: the one command that does. */

import { commandLine } from "./copy.js";
import { h, withCode } from "./dom.js";
import { mark } from "./lamp.js";

class SignIn extends HTMLElement {
  /** @param {string} why a sentence, "" where there was no key at all */
  show(why) {
    document.documentElement.dataset.feed = "ended";
    this.hidden = false;
    this.replaceChildren(
      h(
        "main",
        { class: "signin" },
        mark(),
        h("h2", {}, "This page needs a key"),
        why && h("p", { class: "why" }, withCode(why)),
        h("p", {}, "Run this in a terminal. It opens the dashboard with a key that works once:"),
        commandLine("homeport open"),
        h(
          "p",
          { class: "soft" },
          "Only you can make such a key: it comes from your engine, and this page keeps its access to itself.",
        ),
      ),
    );
  }
}

customElements.define("hp-signin", SignIn);
