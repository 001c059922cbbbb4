/**
 * The filter language as far as the page must know it: its keys, what each is for, and what to suggest while typing.
 * The engine alone decides what a filter means; nothing here matches requests.
 */

/** @typedef {{term: string, about: string}} Hint */

/** @type {Hint[]} */
export const TERMS = [
  { term: "status:5xx", about: "a class, a number, or a comparison: status:>=400" },
  { term: "method:POST", about: "the request method" },
  { term: "path:/users", about: "part of the path" },
  { term: "route:", about: "the app or route it went to; a star for anything" },
  { term: "scheme:https", about: "whether it came over TLS: http or https" },
  { term: "version:2", about: "of HTTP, as the client spoke it: 1.1 or 2" },
  { term: "host:", about: "part of the Host header" },
  { term: "type:json", about: "media type of the answer" },
  { term: "duration:>100", about: "in milliseconds; also 2s" },
  { term: "size:>1mb", about: "the larger one of request and answer" },
  { term: "since:5m", about: "only the last five minutes; also 30s, 2h" },
  { term: "ending:client-gone", about: "how it ended: complete, unreachable, refused, open …" },
  { term: "kind:upgrade", about: "http, upgrade (WebSocket), tcp or udp" },
  { term: "conditions:3g", about: "network conditions that it felt; conditions:any for those of any kind" },
  { term: "client:curl", about: "the process that asked, or its address" },
  { term: "header:etag", about: "a word in the heads" },
  { term: "body:error", about: "a word in the bodies" },
  { term: "id:>1200", about: "the number of a request" },
];

/** @type {Record<string, string[]>} */
const VALUES = {
  status: ["2xx", "3xx", "4xx", "5xx", ">=400", "404", "500"],
  method: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
  type: ["json", "html", "javascript", "css", "image", "event-stream"],
  duration: [">100", ">1s", "<10"],
  size: [">100kb", ">1mb"],
  since: ["1m", "5m", "1h"],
  ending: ["complete", "client-gone", "upstream-gone", "unreachable", "refused", "engine-gone", "open"],
  scheme: ["http", "https"],
  version: ["1.1", "2"],
  kind: ["http", "upgrade", "tcp", "udp"],
};

/** @type {Hint[]} for the help page */
export const EXAMPLES = [
  { term: "status:>=400 since:5m", about: "what failed just now" },
  { term: "method:POST route:api -path:/health", about: "posts to api, health checks left out" },
  { term: "duration:>500 path:/search", about: "slow searches" },
  { term: "kind:upgrade ending:open", about: "WebSockets that are open" },
];

/**
 * @param {string} text the filter so far
 * @param {number} caret
 * @param {{route: string[], host: string[]}} names what runs here
 * @returns {{from: number, to: number, hints: Hint[]}} what may stand in place of the word at the caret
 */
export function suggest(text, caret, names) {
  const from = text.slice(0, caret).search(/\S*$/);
  const to = caret + text.slice(caret).search(/\s|$/);
  const word = text.slice(from, caret);
  const minus = word.startsWith("-") ? "-" : "";
  const bare = word.slice(minus.length).toLowerCase();
  const colon = bare.indexOf(":");
  const hints = colon < 0 ? keysFor(bare) : valuesFor(bare.slice(0, colon), bare.slice(colon + 1), names);
  return { from, to, hints: hints.map((hint) => ({ ...hint, term: minus + hint.term })) };
}

/** @param {string} start @returns {Hint[]} */
function keysFor(start) {
  return TERMS.filter(({ term }) => term.startsWith(start));
}

/** @param {string} key @param {string} start @param {Record<string, string[]>} names @returns {Hint[]} */
function valuesFor(key, start, names) {
  const values = names[key] ?? VALUES[key] ?? [];
  return values
    .filter((value) => value.toLowerCase().startsWith(start) && value.toLowerCase() !== start)
    .slice(0, 12)
    .map((value) => ({ term: `${key}:${value}`, about: "" }));
}
