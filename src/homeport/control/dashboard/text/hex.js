/** Bytes as a hex dump: offset, sixteen bytes, the same as ASCII. Long input is cut, and the last line says so. */

const LINE = 16;
const SHOWN_BYTES = 4096;

/** @param {string} base64 @returns {string} */
export function hexDump(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, SHOWN_BYTES); at += LINE)
    lines.push(line(bytes.subarray(at, at + LINE), at));
  if (bytes.length > SHOWN_BYTES) lines.push(`… ${bytes.length - SHOWN_BYTES} more bytes`);
  return lines.join("\n");
}

/** @param {Uint8Array} bytes @param {number} at */
function line(bytes, at) {
  const words = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const left = words.slice(0, LINE / 2).join(" ");
  const right = words.slice(LINE / 2).join(" ");
  const ascii = [...bytes].map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
  return `${at.toString(16).padStart(6, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${ascii}`;
}
