/** Numbers, sizes and times as people read them. Pure text in, text out; times are shown in the local zone. */

// Tables, because toLocaleString took most of the time of drawing a thousand rows.
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** @param {number} bytes @returns {string} "812 B", "1.4 kB", "18 MB" */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** @param {number|null} ms @returns {string} "0.4 ms", "412 ms", "1.24 s", "2 min 3 s"; "" where it is not known */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59950) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** @param {number} n @returns {string} "12,345" */
export function count(n) {
  return n.toLocaleString("en");
}

/** @param {number} n @param {string} one @param {string} [many] @returns {string} "1 request", "12,345 requests" */
export function counted(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** @param {string} iso @param {boolean} [precise] @returns {string} "14:02:11" or "14:02:11.482" */
export function clock(iso, precise = false) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  return precise ? `${time}.${String(at.getMilliseconds()).padStart(3, "0")}` : time;
}

/** @param {string} iso @param {Date} [now] @returns {string} "14:02" today, "3 Mar 14:02" on another day */
export function since(iso, now = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.getDate()} ${MONTHS[at.getMonth()]} ${time}`;
}

/** @param {string} iso @returns {string} "Tue 3 Mar 2026, 14:02:11.482" */
export function moment(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  return `${DAYS[at.getDay()]} ${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}, ${clock(iso, true)}`;
}

/** @param {number} n */
function two(n) {
  return String(n).padStart(2, "0");
}
