/**
 * A body as it can best be read: JSON laid out, forms as pairs, images as images, other text as it is, bytes as a hex
 * dump. It shows what was kept, and says so where that is not all.
 */

import { copyButton } from "./copy.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toastProblem } from "./toast.js";
import { size } from "../text/format.js";
import { hexDump } from "../text/hex.js";
import { isFormType, isImageType } from "../text/http.js";
import { isJsonType, layOut } from "../text/json.js";

/** @typedef {import("../data/types.js").ExchangeDetail} ExchangeDetail */
/** @typedef {import("../data/types.js").Body} Body */

const SHOWN_CHARS = 200_000; // more makes the page slow; the whole can be downloaded
const MARKED_TOKENS = 20_000;

/** @param {import("../data/api.js").Api} api @param {ExchangeDetail} detail @param {"request"|"response"} side */
export function bodyView(api, detail, side) {
  const body = side === "request" ? detail.request_body : detail.response_body;
  const title = h(
    "div",
    { class: "part-title" },
    h("h3", {}, "Body"),
    h("span", { class: "soft" }, about(body)),
    h("span", { class: "gap" }),
  );
  const section = h("section", { class: "body" }, title);
  if (!body.kept) {
    section.append(h("p", { class: "soft" }, body.bytes_on_wire ? "Nothing of it was kept." : "No body."));
    return section;
  }
  const path = `/api/requests/${detail.summary.id}/body/${side}`;
  const { shown, raw } = picture(api, body, path);
  if (raw) title.append(rawSwitch(section, shown, raw));
  if (body.text !== null) title.append(copyButton("the body", () => body.text ?? ""));
  title.append(downloadButton(api, path, `${side}-${detail.summary.id}`));
  if (body.truncated)
    section.append(
      h(
        "p",
        { class: "remark" },
        `Only the first ${size(body.kept)} were kept (setting `,
        h("code", {}, "body_limit_bytes"),
        ").",
      ),
    );
  section.append(shown);
  return section;
}

/** @param {Body} body */
function about(body) {
  const parts = [body.type.split(";")[0], body.bytes_on_wire ? size(body.bytes_on_wire) : "", body.coding];
  return parts.filter(Boolean).join(", ");
}

/**
 * @param {import("../data/api.js").Api} api @param {Body} body @param {string} path
 * @returns {{shown: HTMLElement, raw: HTMLElement|null}} `raw` where there is another way to look at it
 */
function picture(api, body, path) {
  const text = body.text;
  if (isImageType(body.type)) return { shown: image(api, path, body.type), raw: text === null ? null : plain(text) };
  if (text === null)
    return {
      shown: h("pre", { class: "code", tabindex: "0", "data-scrolls": true }, hexDump(body.base64 ?? "")),
      raw: null,
    };
  if (isJsonType(body.type) || /^\s*[[{]/.test(text)) {
    const tokens = text.length <= SHOWN_CHARS ? layOut(text, body.truncated && isJsonType(body.type)) : null;
    if (tokens) return { shown: json(tokens), raw: plain(text) };
  }
  if (isFormType(body.type)) return { shown: form(text), raw: plain(text) };
  return { shown: plain(text), raw: null };
}

/** @param {string} text */
function plain(text) {
  const over = text.length - SHOWN_CHARS;
  const node = h(
    "pre",
    { class: "code wrap", tabindex: "0", "data-scrolls": true },
    over > 0 ? text.slice(0, SHOWN_CHARS) : text,
  );
  if (over > 0) node.append(h("span", { class: "soft" }, `\n… ${size(over)} more: download it to read on`));
  return node;
}

/** @param {import("../text/json.js").Token[]} tokens */
function json(tokens) {
  const node = h("pre", { class: "code wrap", tabindex: "0", "data-scrolls": true });
  const isMarked = tokens.length <= MARKED_TOKENS;
  if (!isMarked) node.append(tokens.map(({ text }) => text).join(""));
  else
    node.append(
      ...tokens.map(({ kind, text }) =>
        kind === "space" || kind === "mark" ? text : h("span", { class: `j-${kind}` }, text),
      ),
    );
  return node;
}

/** @param {string} text */
function form(text) {
  const rows = [...new URLSearchParams(text.trim())].map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)),
  );
  return h("table", { class: "headers" }, h("tbody", {}, rows));
}

/** @param {import("../data/api.js").Api} api @param {string} path @param {string} type */
function image(api, path, type) {
  const figure = h("figure", { class: "image" });
  readImage(api, path, type)
    .then((url) => {
      const picture = h("img", { src: url, alt: "The image in the body" });
      const caption = h("figcaption", { class: "soft" });
      picture.addEventListener(
        "load",
        () => (caption.textContent = `${picture.naturalWidth} × ${picture.naturalHeight}`),
      );
      picture.addEventListener("error", () => (caption.textContent = "The browser could not read this image."));
      figure.append(picture, caption);
    })
    .catch((problem) => figure.append(h("p", { class: "soft" }, `The image could not be read: ${problem.message}`)));
  return figure;
}

/**
 * The page's policy lets images come from data: and not from blob:.
 * @param {import("../data/api.js").Api} api @param {string} path @param {string} type @returns {Promise<string>}
 */
async function readImage(api, path, type) {
  // The engine serves kinds that could hold scripts as plain bytes; in an <img> they are pictures and nothing else.
  const blob = new Blob([await api.blob(path)], { type: type.split(";")[0] });
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** @param {HTMLElement} section @param {HTMLElement} shown @param {HTMLElement} raw */
function rawSwitch(section, shown, raw) {
  const button = h("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Raw");
  button.addEventListener("click", () => {
    const isRaw = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isRaw));
    section.replaceChild(isRaw ? raw : shown, isRaw ? shown : raw);
  });
  return button;
}

/** @param {import("../data/api.js").Api} api @param {string} path @param {string} name */
function downloadButton(api, path, name) {
  const save = async () => {
    try {
      const url = URL.createObjectURL(await api.blob(path));
      const link = h("a", { download: name });
      link.href = url;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (problem) {
      toastProblem(problem);
    }
  };
  return h(
    "button",
    {
      type: "button",
      class: "quiet square",
      "aria-label": "Download the body",
      title: "Download the body",
      onclick: save,
    },
    icon("download"),
  );
}
