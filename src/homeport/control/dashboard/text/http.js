/** What is known about HTTP itself: which headers are secrets, what a status is called, how a body may be shown. */

const SECRET =
  /^(authorization|proxy-authorization|cookie|set-cookie)$|(^|[-_])(token|secret|password|api-?key|session|signature|credential)s?$/i;

/** @param {string} name @returns {boolean} whether a header's value is hidden until asked for */
export function isSecret(name) {
  return SECRET.test(name);
}

/** @param {string} value @returns {string} the value hidden, its scheme (RFC 9110 11.4) left to be seen */
export function masked(value) {
  const scheme = /^(Basic|Bearer|Digest|Negotiate|Token)\s/i.exec(value);
  return `${scheme ? `${scheme[1]} ` : ""}••••••••`;
}

/** @param {[string, string][]} headers @param {string} name @returns {string} the first value, or "" */
export function header(headers, name) {
  const wanted = name.toLowerCase();
  return headers.find(([key]) => key.toLowerCase() === wanted)?.[1] ?? "";
}

/** @param {number} status @returns {"none"|"info"|"good"|"moved"|"bad"|"broken"} */
export function statusClass(status) {
  if (status >= 500) return "broken";
  if (status >= 400) return "bad";
  if (status >= 300) return "moved";
  if (status >= 200) return "good";
  return status >= 100 ? "info" : "none";
}

/** @type {Record<string, string>} */
const ENDINGS = {
  complete: "complete",
  "client-gone": "client gone",
  "upstream-gone": "upstream gone",
  unreachable: "unreachable",
  refused: "refused",
  "engine-gone": "engine gone",
  open: "running",
};

/** @param {string} ending @returns {string} in words */
export function endingWord(ending) {
  return ENDINGS[ending] ?? ending;
}

// SVG is an image here because <img> runs no scripts of it.
const IMAGE = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml|x-icon|vnd\.microsoft\.icon)\b/i;

/** @param {string} type @returns {boolean} */
export function isImageType(type) {
  return IMAGE.test(type);
}

/** @param {string} type @returns {boolean} */
export function isFormType(type) {
  return /^application\/x-www-form-urlencoded\b/i.test(type);
}

/** @param {string} line a request or status line @param {number} index @returns {string} its word */
export function wordOf(line, index) {
  return line.split(" ")[index] ?? "";
}

/** @param {string} line "HTTP/1.1 404 Not Found" @returns {string} "Not Found" */
export function reason(line) {
  return line.split(" ").slice(2).join(" ");
}
