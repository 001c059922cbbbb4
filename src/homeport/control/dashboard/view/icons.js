/** The few drawn signs of the page, 16 by 16, in the colour of the text beside them. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  copy: [
    "M5.5 5.5v-2a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2",
    "M2.5 6.5a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1z",
  ],
  done: ["M3 8.5 6.5 12 13 4.5"],
  close: ["M4 4l8 8M12 4l-8 8"],
  restart: ["M13 8a5 5 0 1 1-1.6-3.7", "M13.2 2.2v2.6h-2.6"],
  stop: ["M4.5 4.5h7v7h-7z"],
  start: ["M5 3.5v9l7-4.5z"],
  pause: ["M5.5 3.5v9M10.5 3.5v9"],
  requests: ["M2.5 5h8.5M8.5 2.5 11 5 8.5 7.5", "M13.5 11H5M7.5 8.5 5 11l2.5 2.5"],
  logs: ["M2.5 4h11M2.5 8h11M2.5 12h7"],
  apps: ["M4 12.5V8a4 4 0 0 1 8 0v4.5", "M2 13.5h12"],
  network: ["M2.5 13.5v-2M6.200 13.5V9M9.800 13.5V6M13.5 13.5v-11"],
  up: ["M8 13V3.5M4 7.2 8 3.2l4 4"],
  down: ["M8 3v9.5M4 8.800l4 4 4-4"],
  sun: [
    "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.600z",
    "M8 1.500v1.3M8 13.200v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.400l.9.9M11.7 11.700l.9.9M3.4 12.600l.9-.9M11.7 4.300l.9-.9",
  ],
  moon: ["M13 9.800A5.6 5.6 0 0 1 6.2 3a5.6 5.6 0 1 0 6.8 6.800z"],
  auto: ["M8 2.500a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z", "M8 2.500v11M10 3.200v9.6M12 4.500v7"],
  download: ["M8 2.500v7.5M4.8 7 8 10.2 11.2 7M3 13.500h10"],
  warn: ["M8 2.5 14 13H2z", "M8 6.500v3M8 11.200v.1"],
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name @returns {SVGSVGElement} */
export function icon(name) {
  return drawing(
    "0 0 16 16",
    "icon",
    PATHS[name].map((d) => ({ d })),
  );
}

/**
 * @param {string} viewBox
 * @param {string} className
 * @param {{d: string, class?: string}[]} paths
 * @returns {SVGSVGElement}
 */
export function drawing(viewBox, className, paths) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", viewBox);
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  for (const { d, class: part } of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    if (part) path.setAttribute("class", part);
    svg.append(path);
  }
  return svg;
}
