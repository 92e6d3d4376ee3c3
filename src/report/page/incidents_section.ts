/// <reference lib="dom" />
// Tables about the whole window: churn by Service, drift by process, gaps, rejected commits.

import { COMMIT_CHANGES_MAX } from "../../limits/ledger.ts";
import type { Outage } from "../../history/outages.ts";
import type { Churn, DriftBy, Gap, Rejected } from "../figures.ts";
import { causeLine, position } from "./causes.ts";
import { type Child, type ColumnHead, element, section, table } from "./dom.ts";
import type { Report } from "./report.ts";
import { count, counted, duration, moment } from "./words.ts";

/** Most rows of one table. */
const ROWS_MAX = 25;
/** Most changes that the row of one program names. */
const DRIFT_CHANGES_SHOWN = 3;

/** The sections that have rows; churn always. */
export function incidentsSections(report: Report): HTMLElement[] {
  const { drift, gaps, rejected } = report.figures;
  return [
    churnSection(report),
    ...(drift.length > 0 ? [driftSection(report)] : []),
    ...(gaps.length > 0 ? [gapsSection(report)] : []),
    ...(rejected.length > 0 ? [rejectedSection(report)] : []),
  ];
}

/** When ports of Services had no endpoint: those that last first, then the longest; none where there was none. */
export function outagesSections(report: Report): HTMLElement[] {
  const { data: { outages }, stops } = report;
  if (outages.length === 0) return [];
  const [begin, end] = [stops[0]!.time, stops.at(-1)!.time];
  const bounds = ({ from, to }: Outage): [number, number] => [
    from === null ? begin : Date.parse(from.time),
    to === null ? end : Date.parse(to.time),
  ];
  const length = (outage: Outage) => bounds(outage)[1] - bounds(outage)[0];
  const sorted = outages.toSorted((a, b) =>
    Number(a.to !== null) - Number(b.to !== null) || length(b) - length(a)
  );
  const place = (at: Outage["from"], otherwise: string) =>
    at === null ? otherwise : position(report, at.offset);
  const row = (outage: Outage): Child[] => [
    element("span", { class: "name" }, `${outage.service}:${outage.port}`),
    bar(100 * (bounds(outage)[0] - begin) / (end - begin || 1), 100 * length(outage) / (end - begin || 1)),
    outage.to === null ? element("span", { class: "bad" }, "lasts") : duration(length(outage)),
    place(outage.from, "before the window"),
    place(outage.to, ""),
    outage.cause === null ? "" : causeLine(report, outage.cause.offset),
  ];
  const heads = ["ServicePort", "in the window", "how long", "from", "to", "because of"];
  return [listed("outages", "Services without endpoints", heads, sorted, row)];
}

/** Services by the number of their element changes. */
function churnSection(report: Report): HTMLElement {
  const { churn, changesOmitted } = report.figures;
  const most = churn[0]?.changes ?? 1;
  const heads = ["Service", "", { numbers: "elements" }, { numbers: "commits" }, "last"];
  const row = ({ service, changes, commits, last }: Churn): Child[] => [
    element("span", { class: "name" }, service),
    meter(changes, most),
    count(changes),
    count(commits),
    position(report, last),
  ];
  const omitted = `Commits of more than ${count(COMMIT_CHANGES_MAX)} changes name only the first: ` +
    `${counted(changesOmitted, "change")} not counted here.`;
  return listed("churn", "Churn by Service", heads, churn, row, changesOmitted > 0 && quiet(omitted));
}

/** Programs that changed our tables, with their last changes. */
function driftSection(report: Report): HTMLElement {
  const heads = [
    "process",
    { numbers: "last pid" },
    { numbers: "times" },
    "last",
    "what it changed then",
    "response",
  ];
  const row = ({ process, pid, times, last, changes, response }: DriftBy): Child[] => [
    process || "unknown",
    pid === 0 ? "" : String(pid),
    count(times),
    position(report, last),
    firstOf(changes),
    response,
  ];
  return listed("drift", "Drift by process", heads, report.figures.drift, row);
}

/** Records that the ledger does not have. */
function gapsSection(report: Report): HTMLElement {
  const row = ({ offset, time, records, reason }: Gap): Child[] => [
    position(report, offset),
    when(report, time),
    count(records),
    reason,
  ];
  const heads = ["record", "when", { numbers: "lost" }, "why"];
  return listed("gaps", "Gaps", heads, report.figures.gaps, row);
}

/** Commits that the kernel rejected. */
function rejectedSection(report: Report): HTMLElement {
  const row = ({ offset, time, error, setAside }: Rejected): Child[] => [
    position(report, offset),
    when(report, time),
    error,
    setAside ?? "nothing",
  ];
  const heads = ["record", "when", "error of the kernel", "left out"];
  return listed("rejected", "Rejected commits", heads, report.figures.rejected, row);
}

/** A section with a table of the first {@link ROWS_MAX} of `all`, the only ones of which a row is made, and a note below it. */
function listed<One>(
  id: string,
  title: string,
  heads: readonly ColumnHead[],
  all: readonly One[],
  row: (one: One) => readonly Child[],
  note?: Child,
): HTMLElement {
  const more = all.length - ROWS_MAX;
  return section(
    id,
    title,
    table(title, heads, all.slice(0, ROWS_MAX).map(row)),
    more > 0 && quiet(`and ${count(more)} more`),
    note,
  );
}

function quiet(text: string): HTMLElement {
  return element("p", { class: "quiet" }, text);
}

/** `a; b; c and 2 more`. */
function firstOf(changes: readonly string[]): string {
  const more = changes.length - DRIFT_CHANGES_SHOWN;
  return changes.slice(0, DRIFT_CHANGES_SHOWN).join("; ") + (more > 0 ? ` and ${more} more` : "");
}

/** A time that changes with the page's choice of UTC or local time. */
function when(report: Report, time: string): HTMLElement {
  return element("time", { datetime: time }, moment(Date.parse(time), report.zone));
}

/** Writes those times in the clock that the reader chose. */
export function followClock(report: Report): void {
  report.follow(["clock"], () => {
    for (const one of document.querySelectorAll("time")) {
      one.textContent = moment(Date.parse(one.dateTime), report.zone);
    }
  });
}

function meter(value: number, most: number): Element {
  return bar(0, 100 * value / most);
}

/** A bar from `left` on, both in hundredths. Screen readers skip it: the numbers are beside it. */
function bar(left: number, width: number): Element {
  const svg = (tag: string, attributes: Readonly<Record<string, string>>) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, text] of Object.entries(attributes)) made.setAttribute(name, text);
    return made;
  };
  // What is short can be seen too.
  const shown = Math.max(width, 0.7);
  const rect = svg("rect", { x: String(Math.min(left, 100 - shown)), width: String(shown), height: "8" });
  const made = svg("svg", {
    viewBox: "0 0 100 8",
    class: "meter",
    "aria-hidden": "true",
    preserveAspectRatio: "none",
  });
  made.append(rect);
  return made;
}
