/**
 * The control API over fetch: adds the token, turns error answers into ApiError, says when the key is no longer valid.
 * It keeps no data and never retries; that is the feed's work.
 */

/** An answer other than success, or no answer at all (`status` 0, `code` "engine-unreachable"). */
export class ApiError extends Error {
  /** @param {string} code @param {string} message @param {string} hint @param {number} status */
  constructor(code, message, hint = "", status = 0) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.status = status;
  }
}

/** Fires "signed-out" when the engine answers 401. */
export class Api extends EventTarget {
  /** @type {string|null} */ #token;

  /** @param {string|null} token null where the cookie of homeport.localhost does the work */
  constructor(token = null) {
    super();
    this.#token = token;
  }

  /**
   * @param {string} path
   * @param {Record<string, string|number|null|undefined>} [query] empty values are left out
   * @returns {Promise<any>}
   */
  get(path, query = {}) {
    return this.#json("GET", withQuery(path, query));
  }

  /** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  post(path, body) {
    return this.#json("POST", path, body);
  }

  /** @param {string} path @returns {Promise<any>} */
  delete(path) {
    return this.#json("DELETE", path);
  }

  /** @param {string} path @returns {Promise<Blob>} */
  async blob(path) {
    return (await this.#send("GET", path)).blob();
  }

  /**
   * A response whose body is read as it comes.
   * @param {string} path
   * @param {Record<string, string|string[]>} query
   * @param {AbortSignal} signal
   * @returns {Promise<Response>}
   */
  stream(path, query, signal) {
    return this.#send("GET", withQuery(path, query), undefined, signal);
  }

  /** @param {string} method @param {string} path @param {unknown} [body] */
  async #json(method, path, body) {
    const response = await this.#send(method, path, body);
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {AbortSignal} [signal]
   */
  async #send(method, path, body, signal) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (this.#token) headers["Authorization"] = `Bearer ${this.#token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const sent = body === undefined ? undefined : JSON.stringify(body);
    let response;
    try {
      response = await fetch(path, { method, headers, body: sent, signal, cache: "no-store" });
    } catch (problem) {
      if (signal?.aborted) throw problem;
      throw new ApiError("engine-unreachable", "The engine does not answer.");
    }
    if (response.ok) return response;
    if (response.status === 401) this.dispatchEvent(new Event("signed-out"));
    throw await readError(response);
  }
}

/** @param {Response} response @returns {Promise<ApiError>} */
export async function readError(response) {
  try {
    const { error } = await response.json();
    return new ApiError(error.code, error.message, error.hint ?? "", response.status);
  } catch {
    return new ApiError("internal", `The engine answered ${response.status}.`, "", response.status);
  }
}

/** @param {string} path @param {Record<string, string|string[]|number|null|undefined>} query */
function withQuery(path, query) {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") words.append(key, String(one));
    }
  }
  return words.size ? `${path}?${words}` : path;
}
