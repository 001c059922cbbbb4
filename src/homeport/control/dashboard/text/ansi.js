/**
 * Terminal colours (ECMA-48 SGR) into runs of text with a style. Every other escape sequence and control character is
 * taken out; nothing of the input ever becomes markup.
 */

/**
 * @typedef {object} Style
 * @property {number|string|null} fg 0–15 of the palette, "#rrggbb", or null
 * @property {number|string|null} bg
 * @property {boolean} bold
 * @property {boolean} dim
 * @property {boolean} italic
 * @property {boolean} underline
 * @property {boolean} strike
 * @property {boolean} inverse
 *
 * @typedef {{text: string, style: Style}} Run
 */

/** @type {Readonly<Style>} */
export const PLAIN = Object.freeze({
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
});

// CSI … final byte | OSC … BEL or ST | other escapes | C0 and C1 controls except tab
const SEQUENCE =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)|\x1b[ -/]*[0-~]?|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/**
 * @param {string} text
 * @param {Style} [style] what an earlier piece of the same line left behind
 * @returns {{runs: Run[], style: Style}}
 */
export function parse(text, style = PLAIN) {
  /** @type {Run[]} */
  const runs = [];
  let from = 0;
  const put = (/** @type {string} */ piece) => {
    const last = runs[runs.length - 1];
    if (!piece) return;
    if (last && last.style === style) last.text += piece;
    else runs.push({ text: piece, style });
  };
  for (const found of text.matchAll(SEQUENCE)) {
    put(text.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[2] === "m" && found[1] !== undefined) style = applied(style, found[1]);
  }
  put(text.slice(from));
  return { runs, style };
}

/** @param {string} text @returns {string} without any escape sequence */
export function plain(text) {
  return text.replace(SEQUENCE, "");
}

/** @type {Record<number, Partial<Style>>} */
const SWITCHES = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null },
};

/** @param {Style} style @param {string} parameters @returns {Style} */
function applied(style, parameters) {
  const codes = parameters.split(/[;:]/).map((word) => (/^\d*$/.test(word) ? Number(word) : -1));
  let next = { ...style };
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i];
    if (code === 0) next = { ...PLAIN };
    else if (code in SWITCHES) Object.assign(next, SWITCHES[code]);
    else if (code >= 30 && code <= 37) next.fg = code - 30;
    else if (code >= 90 && code <= 97) next.fg = code - 82;
    else if (code >= 40 && code <= 47) next.bg = code - 40;
    else if (code >= 100 && code <= 107) next.bg = code - 92;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes.slice(i + 1));
      if (colour !== undefined) next[code === 38 ? "fg" : "bg"] = colour;
      i += used;
    }
  }
  return next;
}

/** @param {number[]} codes after 38 or 48 @returns {[number|string|undefined, number]} colour, codes used */
function extended(codes) {
  if (codes[0] === 5) return [indexed(codes[1]), 2];
  if (codes[0] !== 2) return [undefined, codes.length];
  const rgb = codes.slice(1, 4);
  return rgb.length === 3 && rgb.every((part) => part >= 0 && part <= 255) ? [hex(rgb), 4] : [undefined, 4];
}

/** @param {number} index 0–255 @returns {number|string|undefined} */
function indexed(index) {
  if (!(index >= 0 && index <= 255)) return undefined;
  if (index < 16) return index;
  if (index >= 232) return hex([8, 8, 8].map((part) => part + (index - 232) * 10));
  const cube = index - 16;
  return hex([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((part) => (part ? part * 40 + 55 : 0)));
}

/** @param {number[]} rgb */
function hex(rgb) {
  return `#${rgb.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
