/**
 * Calls a function once per frame however often it is asked, so that a burst of events costs one drawing.
 * Hidden tabs get no frames: a timer stands in, so that nothing piles up there.
 */

const HIDDEN_MS = 1000;

/** @param {() => void} draw @returns {() => void} asks for a call */
export function oncePerFrame(draw) {
  let asked = false;
  let frame = 0;
  let timer = 0;
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    asked = false;
    draw();
  };
  return () => {
    if (asked) return;
    asked = true;
    frame = requestAnimationFrame(run);
    timer = window.setTimeout(run, HIDDEN_MS);
  };
}
