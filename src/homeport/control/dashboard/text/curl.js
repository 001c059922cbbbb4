/**
 * A recorded request as a curl command for a POSIX shell. Secrets are in it: it is to work when pasted. What curl sets by
 * itself (lengths, hop-by-hop headers) is left out.
 */

import { header, isSecret, wordOf } from "./http.js";

/** @typedef {import("../data/types.js").ExchangeDetail} ExchangeDetail */

const OWN = new Set([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "te",
  "trailer",
  "expect",
]);

/** @param {ExchangeDetail} detail @returns {string} */
export function curl(detail) {
  const { headers, line } = detail.request;
  const method = detail.summary.method || wordOf(line, 0) || "GET";
  const url = urlOf(detail);
  const body = bodyWords(detail);
  const words = ["curl"];
  if (/[[\]{}]/.test(url)) words.push("--globoff");
  if (method === "HEAD") words.push("--head");
  else if (method !== (body.length ? "POST" : "GET")) words.push(`--request ${quoted(method)}`);
  words.push(quoted(url));
  const isUpgrade = detail.summary.kind === "upgrade";
  const coding = header(headers, "accept-encoding");
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (key === "accept-encoding" && /gzip|br|deflate|zstd/.test(value)) continue;
    if (OWN.has(key) && !(isUpgrade && key === "connection")) continue;
    words.push(`--header ${quoted(value ? `${name}: ${value}` : `${name};`)}`);
  }
  if (/gzip|br|deflate|zstd/.test(coding)) words.push("--compressed");
  return [...words, ...body].join(" \\\n  ");
}

/** @param {ExchangeDetail} detail @returns {string[]} the secret headers that `curl` wrote out */
export function secretsIn(detail) {
  return [...new Set(detail.request.headers.map(([name]) => name).filter(isSecret))];
}

/** @param {ExchangeDetail} detail @returns {string} the URL that the client asked for */
export function urlOf(detail) {
  const target = wordOf(detail.request.line, 1) || detail.summary.path || "/";
  if (/^https?:\/\//i.test(target)) return target;
  return `http://${header(detail.request.headers, "host") || detail.summary.host}${target}`;
}

/** @param {ExchangeDetail} detail @returns {string[]} */
function bodyWords(detail) {
  const body = detail.request_body;
  if (!body.kept && !body.bytes_on_wire) return [];
  const isWhole = body.text !== null && !body.truncated && !body.text.includes("\0");
  // A binary or cut-off body cannot be typed: the file name says where to put it.
  return [isWhole ? `--data-raw ${quoted(body.text ?? "")}` : `--data-binary @request-${detail.summary.id}.body`];
}

/** @param {string} text @returns {string} one word of a POSIX shell */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
