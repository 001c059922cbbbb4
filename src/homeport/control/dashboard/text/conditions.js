/**
 * Network conditions in KEY=VALUE words, as far as sliders need them: reads and writes latency, jitter, loss and rate,
 * and leaves every other word as it stands. What words mean is decided by the engine alone.
 */

/** @typedef {"up"|"down"} Side */
/** @typedef {{up: Map<string, string>, down: Map<string, string>, both: Map<string, string>}} Words `both`: for the whole */
/** @typedef {"latency"|"jitter"|"loss"|"rate"} Key */
/** @typedef {{key: Key, label: string, about: string, stops: number[], none: number}} Measure */

/** @type {Side[]} */
export const SIDES = ["up", "down"];
const WHOLE = /^(seed|share|http-[a-z]+)$/;
const UNITS = {
  time: { us: 0.001, µs: 0.001, ms: 1, s: 1000, min: 60000 },
  share: { "%": 1 },
  rate: { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 },
};
const UNIT_OF = /** @type {const} */ ({ latency: "time", jitter: "time", loss: "share", rate: "rate" });
// What has no sense without its key, and what is another model of the same.
/** @type {Record<Key, {needs: string[], instead: string[]}>} */
const BESIDE = {
  latency: { needs: [], instead: [] },
  jitter: { needs: ["jitter-shape", "jitter-correlation", "jitter-reorders"], instead: [] },
  loss: {
    needs: ["burst", "retransmit"],
    instead: ["loss-every", "gilbert-p", "gilbert-r", "gilbert-bad", "gilbert-good"],
  },
  rate: { needs: ["rate-burst", "queue", "rate-shared"], instead: [] },
};
const TIMES = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500, 650, 800, 1000, 1500,
];
const KBITS = [
  8, 16, 32, 64, 128, 200, 256, 400, 500, 750, 1000, 1600, 2000, 3000, 5000, 9000, 12000, 20000, 50000, 1e5,
];

/** The sliders, whose stops lie about equally far apart on a log scale. @type {Measure[]} */
export const MEASURES = [
  { key: "latency", label: "Latency", about: "one way", stops: [0, ...TIMES, 2000, 3000], none: 0 },
  { key: "jitter", label: "Jitter", about: "how much it varies", stops: [0, ...TIMES], none: 0 },
  {
    key: "loss",
    label: "Loss",
    about: "on average",
    stops: [0, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100],
    none: 0,
  },
  {
    key: "rate",
    label: "Bandwidth",
    about: "bits per second",
    stops: [...KBITS, 2e5, 5e5, 1e6, Infinity].map((kbit) => kbit * 1000),
    none: Infinity,
  },
];

/** @param {string} text @returns {Words} */
export function parse(text) {
  /** @type {Words} */
  const words = { up: new Map(), down: new Map(), both: new Map() };
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [, side, key, value] = /^(?:(up|down)\.)?([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    if (!key) continue;
    if (WHOLE.test(key) || value === undefined) words.both.set(key, value ?? "");
    else for (const one of side ? [/** @type {Side} */ (side)] : SIDES) words[one].set(key, value);
  }
  return words;
}

/** @param {Words} words @returns {string} */
export function written({ up, down, both }) {
  const keys = [...new Set([...up.keys(), ...down.keys()])];
  const sides = keys.flatMap((key) =>
    up.get(key) === down.get(key)
      ? [`${key}=${up.get(key)}`]
      : [up.has(key) && `up.${key}=${up.get(key)}`, down.has(key) && `down.${key}=${down.get(key)}`],
  );
  return [...sides, ...[...both].map(([key, value]) => (value ? `${key}=${value}` : key))].filter(Boolean).join(" ");
}

/** @param {Words} words @param {Side} side @param {Measure} measure @returns {number} ms, percent or bits per second */
export function valueOf(words, side, { key, none }) {
  const text = words[side].get(key);
  const found = text === undefined ? null : /^([\d.]+)([a-zµ%]*)/i.exec(text);
  if (!found) return none;
  const units = /** @type {Record<string, number>} */ (UNITS[UNIT_OF[key]]);
  return Number(found[1]) * (units[found[2].toLowerCase()] ?? 1);
}

/**
 * The words with another value for one or both sides.
 * @param {Words} words @param {Side[]} sides @param {Measure} measure @param {number} value @returns {Words}
 */
export function withValue(words, sides, { key, none }, value) {
  const changed = { up: new Map(words.up), down: new Map(words.down), both: new Map(words.both) };
  for (const side of sides) {
    const own = changed[side];
    for (const other of [...BESIDE[key].instead, ...(value === none ? BESIDE[key].needs : [])]) own.delete(other);
    if (value === none) own.delete(key);
    else own.set(key, asWord(key, value));
  }
  return changed;
}

/** @param {Words} words @param {Record<string, string|null>} change null takes a word away @returns {Words} both ways */
export function withWords(words, change) {
  const changed = { up: new Map(words.up), down: new Map(words.down), both: new Map(words.both) };
  for (const [key, value] of Object.entries(change)) {
    for (const side of SIDES) {
      if (value === null) changed[side].delete(key);
      else changed[side].set(key, value);
    }
  }
  return changed;
}

/** @param {Key} key @param {number} value @returns {string} as the engine reads it */
function asWord(key, value) {
  if (key === "loss") return `${plain(value)}%`;
  if (key !== "rate") return value >= 1000 && value % 100 === 0 ? `${plain(value / 1000)}s` : `${plain(value)}ms`;
  const [unit, factor] = /** @type {[string, number]} */ (
    [
      ["gbit", 1e9],
      ["mbit", 1e6],
      ["kbit", 1e3],
    ].find(([, one]) => value >= Number(one)) ?? ["bit", 1]
  );
  return `${plain(value / factor)}${unit}`;
}

/** @param {Key} key @param {number} value @returns {string} as people read it */
export function inWords(key, value) {
  if (key === "loss") return value ? `${plain(value)} %` : "none";
  if (key === "rate") return value === Infinity ? "unlimited" : bits(value);
  return value ? `${plain(value)} ms` : "none";
}

/** @param {number} bps @returns {string} "480 kbit/s", "1.6 Mbit/s" */
export function bits(bps) {
  let value = bps;
  let unit = 0;
  while (value >= 999.5 && unit < 3) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit && value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value));
  return `${digits} ${["bit/s", "kbit/s", "Mbit/s", "Gbit/s"][unit]}`;
}

/** @param {Measure} measure @param {number} value @returns {number} the number of the nearest stop */
export function stopOf({ stops }, value) {
  const near = (/** @type {number} */ one) =>
    Math.abs(Math.log(Math.min(one, 1e13) + 0.01) - Math.log(Math.min(value, 1e13) + 0.01));
  return stops.reduce((best, one, index) => (near(one) < near(stops[best]) ? index : best), 0);
}

/** @param {number} value */
function plain(value) {
  return String(Number(value.toFixed(3)));
}
