/**
 * The way in: a one-time key in the fragment (`#enter=KEY`) becomes a cookie (on homeport.localhost) or a token.
 * The key leaves the address bar and the history before anything is sent; the token lives as long as this tab.
 */

import { ApiError, readError } from "./api.js";

const TOKEN = "homeport.token";

/** @returns {boolean} */
export function hasKey() {
  return new URLSearchParams(location.hash.slice(1)).has("enter");
}

/** @returns {string|null} */
export function storedToken() {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

/**
 * Trades the key for access. Without a key, what this tab already has.
 * @returns {Promise<string|null>} the token, or null where a cookie does the work
 */
export async function enter() {
  const key = takeKey();
  if (!key) return storedToken();
  let response;
  try {
    response = await fetch("/api/enter", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key }),
      cache: "no-store",
    });
  } catch {
    throw new ApiError("engine-unreachable", "The engine does not answer.");
  }
  if (!response.ok) throw await readError(response);
  if (response.status === 204) return null;
  const { token } = await response.json();
  try {
    sessionStorage.setItem(TOKEN, token);
  } catch {
    // Without storage the token lives until the page is reloaded.
  }
  return token;
}

/** Forget the token: the engine does not take it any more. */
export function leave() {
  try {
    sessionStorage.removeItem(TOKEN);
  } catch {
    // Nothing was stored then.
  }
}

/** @returns {string|null} the key, gone from the address bar */
function takeKey() {
  if (!hasKey()) return null;
  const words = new URLSearchParams(location.hash.slice(1));
  const key = words.get("enter");
  words.delete("enter");
  const rest = words.size ? `#${words}` : "";
  history.replaceState(null, "", location.pathname + location.search + rest);
  return key;
}
