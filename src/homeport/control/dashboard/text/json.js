/**
 * JSON laid out for reading, as tokens. Literals stay as they were sent (JSON.parse would round 12345678901234567890 and
 * drop doubled keys), and a text that was cut off is laid out as far as it goes.
 */

/** @typedef {{kind: "key"|"string"|"number"|"word"|"mark"|"space"|"rest", text: string}} Token */

const TOKEN = /\s+|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([{}[\],:])/y;
const INDENT = "  ";

/** @param {string} type a media type @returns {boolean} */
export function isJsonType(type) {
  return /^(application|text)\/([\w.+-]+\+)?json\b/i.test(type);
}

/**
 * @param {string} text
 * @param {boolean} [isCutOff] only the beginning was kept
 * @returns {Token[]|null} null where it is not JSON
 */
export function layOut(text, isCutOff = false) {
  if (!isCutOff && !isValid(text)) return null;
  const out = new Layout();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (!found) {
      out.put("rest", text.slice(at));
      break;
    }
    const [, string, number, word, mark] = found;
    if (string) out.put("string", string);
    else if (number) out.put("number", number);
    else if (word) out.put("word", word);
    else if (mark) out.mark(mark);
  }
  return out.tokens;
}

/** Puts line ends and indents between tokens. */
class Layout {
  /** @type {Token[]} */ tokens = [];
  #depth = 0;
  #isFresh = false; // just behind an opening bracket

  /** @param {Token["kind"]} kind @param {string} text */
  put(kind, text) {
    if (this.#isFresh) this.#line();
    this.#isFresh = false;
    this.tokens.push({ kind, text });
  }

  /** @param {string} mark */
  mark(mark) {
    if (mark === "{" || mark === "[") {
      this.put("mark", mark);
      this.#depth += 1;
      this.#isFresh = true;
    } else if (mark === "}" || mark === "]") {
      this.#depth = Math.max(0, this.#depth - 1);
      if (!this.#isFresh) this.#line();
      this.#isFresh = false;
      this.tokens.push({ kind: "mark", text: mark });
    } else if (mark === ",") {
      this.tokens.push({ kind: "mark", text: "," });
      this.#line();
    } else {
      const last = this.tokens[this.tokens.length - 1];
      if (last?.kind === "string") last.kind = "key";
      this.tokens.push({ kind: "mark", text: ": " });
    }
  }

  #line() {
    this.tokens.push({ kind: "space", text: `\n${INDENT.repeat(this.#depth)}` });
  }
}

/** @param {string} text */
function isValid(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
