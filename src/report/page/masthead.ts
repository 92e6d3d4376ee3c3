/// <reference lib="dom" />
// The head of the page: node, ledger, window, records left out; the switches for colours and clock.

import { element, fill } from "./dom.ts";
import { liveStatus } from "./live.ts";
import type { Report } from "./report.ts";
import { counted, moment, zoneName } from "./words.ts";

const THEMES = ["auto", "light", "dark"] as const;

/** The masthead. It calls `repaint` after a change of colours. */
export function masthead(report: Report, repaint: () => void): HTMLElement {
  const { data } = report;
  const title = data.node === "" ? `Ledger ${data.ledger}` : data.node;
  const window = element("p", { class: "window" });
  const omitted = element("p", { class: "left-out" });
  report.follow(["clock"], () => {
    fill(window, [windowText(report)]);
    fill(omitted, [leftOutText(report)]);
  });
  return element(
    "header",
    { class: "masthead" },
    element(
      "div",
      {},
      element("h1", {}, title),
      element(
        "p",
        { class: "quiet" },
        `Report of ledger ${data.ledger}, written by ledgerproxy ${data.version}`,
      ),
      window,
      omitted,
      data.live && liveStatus(report),
    ),
    element("div", { class: "switches" }, clockSwitch(report), themeSwitch(repaint)),
  );
}

/** Times, records and offsets of the window. */
function windowText({ stops, data, zone }: Report): string {
  const [first, last] = [stops[0]!.time, stops.at(-1)!.time];
  const offsets = `@${data.first} to @${data.first + data.records.length - 1}`;
  return `${moment(first, zone)} to ${moment(last, zone)} (${zoneName(zone, last)}): ${
    counted(data.records.length, "record")
  }, ${offsets}`;
}

/** The records of the ledger that are not in the window; "" where all are. */
function leftOutText({ data: { leftOut: { before, after, oldest, newest }, first }, zone }: Report): string {
  const when = (time: string) => moment(Date.parse(time), zone);
  const parts = [
    ...(before > 0
      ? [
        `${counted(before, "older record")} (back to ${
          when(oldest)
        }), whose result is the state at the beginning`,
      ]
      : []),
    ...(after > 0 ? [`${counted(after, "newer record")} (up to ${when(newest)})`] : []),
    ...(first > 0 && before === 0 ? [`records before @${first}, which retention removed`] : []),
  ];
  if (parts.length === 0) return "";
  return `Left out: ${parts.join("; ")}. --since, --until and --records choose another window.`;
}

/** A button that switches between UTC and the reader's time zone. */
function clockSwitch(report: Report): HTMLElement {
  const button = element("button", { type: "button", class: "switch", "aria-pressed": "false" }, "UTC");
  button.addEventListener("click", () => {
    report.setZone(report.zone === "UTC" ? "local" : "UTC");
    button.setAttribute("aria-pressed", String(report.zone === "UTC"));
  });
  return button;
}

/** A choice of colours. `auto` follows the system. */
function themeSwitch(repaint: () => void): HTMLElement {
  const select = element(
    "select",
    { "aria-label": "Colours" },
    ...THEMES.map((theme) => element("option", { value: theme }, theme)),
  );
  select.addEventListener("change", () => {
    document.documentElement.dataset["theme"] = select.value;
    repaint();
  });
  return select;
}
