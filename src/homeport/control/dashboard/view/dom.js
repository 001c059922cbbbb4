/**
 * Builds DOM from plain calls: h("button", {class: "quiet", onclick: stop}, "Stop"). Text goes in as text; nothing here
 * ever parses markup, sets an inline style or follows a link that is not http.
 */

/** @typedef {Node|string|number|null|undefined|false|Child[]} Child */

const FORBIDDEN = new Set(["style", "innerHTML", "outerHTML", "srcdoc"]);

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [props] `on…` are listeners, true and false set and leave out an attribute
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(node, name, value);
  node.append(...flat(children));
  return node;
}

/** @param {Child[]} children @returns {(Node|string)[]} */
function flat(children) {
  return /** @type {any[]} */ (children)
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** @param {HTMLElement} node @param {string} name @param {any} value */
function setProp(node, name, value) {
  if (FORBIDDEN.has(name)) throw new TypeError(`${name} may not be set`);
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "data") Object.assign(node.dataset, value);
  else if (value === false || value === null || value === undefined) return;
  else if (name === "href") node.setAttribute("href", safeUrl(String(value)));
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** @param {string} url @returns {string} the URL, or "#" where it is not http(s) */
export function safeUrl(url) {
  return /^https?:\/\//i.test(url) ? url : "#";
}

/** Set text only where it differs: selections and screen readers stay undisturbed. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {string} url @param {Child} text @param {string} [name] what a screen reader says */
export function outLink(url, text, name) {
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "out", "aria-label": name }, text);
}

/**
 * Text in which `words between backticks` are code.
 * @param {string} text @returns {(Node|string)[]}
 */
export function withCode(text) {
  return text.split(/`([^`]+)`/).map((piece, index) => (index % 2 ? h("code", {}, piece) : piece));
}

/** Say it aloud to screen readers, without moving the focus. @param {string} text */
export function announce(text) {
  const node = document.getElementById("announcer");
  if (node) node.textContent = text;
}

/** @param {EventTarget|null} target @returns {boolean} whether keys belong to what has the focus */
export function isTyping(target) {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
