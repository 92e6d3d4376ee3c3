/// <reference lib="dom" />
// The slider over time and the moment that it shows. Arrow keys go from commit to commit.

import { element } from "./dom.ts";
import type { Report } from "./report.ts";
import { counted, duration, moment } from "./words.ts";

/** Stops that a key goes back or on. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -Infinity,
  End: Infinity,
};

/** The bar. */
export function momentBar(report: Report): HTMLElement {
  const slider = element("input", {
    type: "range",
    id: "slider",
    min: 0,
    step: "any",
    "aria-label": "Moment",
    "aria-describedby": "slider-help",
  });
  slider.addEventListener("input", () => report.goToTime(report.range.begin + slider.valueAsNumber));
  const text = element("output", { id: "moment", for: "slider", class: "moment" });
  const dots = element("div", { class: "track" }, slider);
  report.follow(["moment", "clock", "range"], () => {
    const { range: { begin, end }, stop } = report;
    slider.max = String(end - begin);
    slider.value = String(stop.time - begin);
    slider.setAttribute("aria-valuetext", plain(report));
    text.replaceChildren(...momentText(report));
  });
  listenToArrows(report, slider);
  return element(
    "div",
    { class: "moment-bar" },
    dots,
    element("div", { class: "moment-line" }, buttons(report), text, goToForm(report)),
    element(
      "p",
      { class: "unseen", id: "slider-help" },
      "Left and right arrow: one commit back or on. Page keys: ten. Home and End: the beginning and the end.",
    ),
  );
}

/** Arrow keys work on the slider, and everywhere else but in fields. */
function listenToArrows(report: Report, slider: HTMLInputElement): void {
  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { target } = event;
    const onSlider = target === slider;
    const typing = target instanceof Element && target.matches("input, select, textarea");
    if (!onSlider && (typing || !event.key.endsWith("Left") && !event.key.endsWith("Right"))) return;
    event.preventDefault();
    report.goTo(Number.isFinite(step) ? report.at + step : step < 0 ? 0 : report.stops.length - 1);
  });
}

/** Buttons for the previous and the next commit. */
function buttons(report: Report): HTMLElement {
  const button = (text: string, label: string, step: number) => {
    const made = element("button", { type: "button", "aria-label": label, title: label }, text);
    made.addEventListener("click", () => report.goTo(report.at + step));
    return made;
  };
  return element(
    "span",
    { class: "steps" },
    button("◀", "One commit back (left arrow)", -1),
    button("▶", "One commit on (right arrow)", 1),
  );
}

/** The moment as text. */
function momentText(report: Report): (Node | string)[] {
  const { stop, zone, at, stops } = report;
  return [
    element("strong", {}, moment(stop.time, zone)),
    element("span", { class: "offset" }, `@${stop.through}`),
    element("span", { class: `kind ${stop.kind}` }, kindText(report)),
    element("span", { class: "quiet" }, `${at + 1} of ${stops.length}`),
  ];
}

function plain({ stop, zone }: Report): string {
  return `${moment(stop.time, zone)}, position @${stop.through}`;
}

/** What kind of moment it is. */
function kindText({ stop, data }: Report): string {
  const record = data.records[stop.offset - data.first];
  switch (record?.kind) {
    case "commit":
      return record.outcome === "committed"
        ? `committed: ${counted(record.operations, "operation")}, ${
          duration(record.microseconds / 1000)
        } in the kernel, generation ${record.generation}`
        : "rejected by the kernel";
    case "drift":
      return "drift: another program changed our tables";
    case "gap":
      return "gap: records could not be written";
    case undefined:
      return "beginning of the window";
    default:
      return "recorded; no commit of this window folded it";
  }
}

/** A field that goes to a position or a time. */
function goToForm(report: Report): HTMLElement {
  const input = element("input", {
    id: "go-to",
    size: 24,
    placeholder: "@1234 or 03:12",
    spellcheck: "false",
    autocomplete: "off",
  });
  const form = element("form", { class: "go-to" }, element("label", { for: "go-to" }, "Go to"), input);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = goTo(report, input.value.trim());
    input.setCustomValidity(
      found ? "" : "A position (@1234), a time (2026-11-23T03:12:00Z), or a time of day (03:12)",
    );
    input.reportValidity();
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
  return form;
}

/** Goes to the moment that `text` names; false where it names none. A time of day is one of the window's last day. */
function goTo(report: Report, text: string): boolean {
  const offset = /^@?(\d+)$/.exec(text);
  if (offset !== null) {
    report.goToOffset(Number(offset[1]));
    return true;
  }
  const last = report.stops.at(-1)!.time;
  const zone = report.zone === "UTC" ? "Z" : "";
  const full = /^\d{1,2}:\d\d(:\d\d(\.\d+)?)?$/.test(text)
    ? `${moment(last, report.zone).slice(0, 10)}T${
      text.padStart(text.indexOf(":") === 1 ? text.length + 1 : 0, "0")
    }${zone}`
    : text;
  const time = /^\d{4}-\d\d-\d\d/.test(full) ? Date.parse(full) : NaN;
  if (Number.isNaN(time)) return false;
  report.goToTime(time);
  return true;
}
