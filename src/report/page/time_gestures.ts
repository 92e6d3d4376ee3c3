/// <reference lib="dom" />
// How a reader chooses a moment and a part of the window in a chart or a lane: click and drag, wheel, keys.

import { shifted, zoomed } from "../time_range.ts";
import { element } from "./dom.ts";
import type { Report } from "./report.ts";

/** How much longer the range is after one step of a key. */
const KEY_FACTOR = 1.5;
/** How much longer for each pixel of the wheel, as an exponent. */
const WHEEL_EXPONENT = 0.0025;
/** Share of the range that a key moves it by. */
const KEY_SHARE = 0.2;
/** Shortest range, in pixels, that a drag with Shift selects: less is a click. */
const BRUSH_PIXELS = 4;

/** How to use the gestures, for those who look for them. */
const GESTURES =
  "Click: that moment. Ctrl and wheel, or + and −: zoom. Shift and wheel, or A and D: move. Shift and drag: zoom to that range. 0: the whole window.";

/** Buttons that zoom, for those without wheel and keys, and a line about the gestures. */
export function timeControls(report: Report): HTMLElement {
  const button = (text: string, label: string, change: () => void) => {
    const made = element(
      "button",
      { type: "button", class: "small", "aria-label": label, title: label },
      text,
    );
    made.addEventListener("click", change);
    return made;
  };
  const zoom = (factor: number) => report.setRange(zoomed(report.range, middle(report), factor));
  return element(
    "div",
    { class: "time-controls quiet" },
    button("+", "Zoom in (+)", () => zoom(1 / KEY_FACTOR)),
    button("−", "Zoom out (−)", () => zoom(KEY_FACTOR)),
    button("whole window", "Show the whole window (0)", () => report.setRange(report.whole)),
    element("span", {}, GESTURES),
  );
}

/** The time that stays in its place: the moment that is shown, or the middle where it is not in the range. */
function middle({ range: { begin, end }, stop: { time } }: Report): number {
  return time >= begin && time <= end ? time : (begin + end) / 2;
}

/** The time at the pointer, over an element whose width is the range that is shown. */
export function timeAt(
  { range: { begin, end } }: Report,
  over: HTMLElement,
  { clientX }: MouseEvent,
): number {
  const { left, width } = over.getBoundingClientRect();
  return begin + (end - begin) * (clientX - left) / width;
}

/** Listens to pointer and wheel on `over`, whose width is the range that is shown. */
export function listenForTime(report: Report, over: HTMLElement): void {
  listenForWheel(report, over);
  let brush: { readonly from: number; readonly x: number; readonly band: HTMLElement } | undefined;
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!event.shiftKey) return report.goToTime(timeAt(report, over, event));
    over.setPointerCapture(event.pointerId);
    const band = over.appendChild(element("div", { class: "brush" }));
    brush = { from: timeAt(report, over, event), x: event.clientX - over.getBoundingClientRect().left, band };
  });
  over.addEventListener("pointermove", (event) => {
    if (brush === undefined) {
      return (event.buttons & 1) === 1 ? report.goToTime(timeAt(report, over, event)) : undefined;
    }
    const x = event.clientX - over.getBoundingClientRect().left;
    brush.band.style.left = `${Math.min(x, brush.x)}px`;
    brush.band.style.width = `${Math.abs(x - brush.x)}px`;
  });
  const end = (event: PointerEvent) => {
    if (brush === undefined) return;
    const { from, band } = brush;
    const long = band.getBoundingClientRect().width >= BRUSH_PIXELS;
    const to = timeAt(report, over, event);
    band.remove();
    brush = undefined;
    if (long) report.setRange({ begin: Math.min(from, to), end: Math.max(from, to) });
  };
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
}

/** The wheel alone scrolls the page: who reads on must not zoom by accident. */
function listenForWheel(report: Report, over: HTMLElement): void {
  over.addEventListener("wheel", (event) => {
    const { deltaX, deltaY, ctrlKey, metaKey, shiftKey } = event;
    if (ctrlKey || metaKey) {
      report.setRange(zoomed(report.range, timeAt(report, over, event), Math.exp(deltaY * WHEEL_EXPONENT)));
    } else if (shiftKey || Math.abs(deltaX) > Math.abs(deltaY)) {
      report.setRange(shifted(report.range, (deltaX || deltaY) / over.clientWidth));
    } else return;
    event.preventDefault();
  }, { passive: false });
}

/** Keys that zoom and move, everywhere but in fields. */
export function listenForZoomKeys(report: Report): void {
  document.addEventListener("keydown", ({ key, target, altKey, ctrlKey, metaKey }) => {
    const typing = target instanceof Element && target.matches("input:not([type=range]), select, textarea");
    if (typing || altKey || ctrlKey || metaKey) return;
    const { range, whole } = report;
    const around = middle(report);
    switch (key.toLowerCase()) {
      case "+":
      case "w":
        return report.setRange(zoomed(range, around, 1 / KEY_FACTOR));
      case "-":
      case "s":
        return report.setRange(zoomed(range, around, KEY_FACTOR));
      case "a":
        return report.setRange(shifted(range, -KEY_SHARE));
      case "d":
        return report.setRange(shifted(range, KEY_SHARE));
      case "0":
        return report.setRange(whole);
    }
  });
}
