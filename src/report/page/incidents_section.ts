/// <reference lib="dom" />
// Tables about the whole window: churn by Service, drift by process, gaps, rejected commits.

import { COMMIT_CHANGES_MAX } from "../../limits.ts";
import { position } from "./causes.ts";
import { type Child, type ColumnHead, element, section, table } from "./dom.ts";
import type { Report } from "./report.ts";
import { count, counted, moment } from "./words.ts";

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

/** Services by the number of their element changes. */
function churnSection(report: Report): HTMLElement {
  const { churn, changesOmitted } = report.figures;
  const most = churn[0]?.changes ?? 1;
  const heads = ["Service", "", { numbers: "elements" }, { numbers: "commits" }, "last"];
  const rows = churn.map(({ service, changes, commits, last }): Child[] => [
    element("span", { class: "name" }, service),
    meter(changes, most),
    count(changes),
    count(commits),
    position(report, last),
  ]);
  const omitted = `Commits of more than ${count(COMMIT_CHANGES_MAX)} changes name only the first: ` +
    `${counted(changesOmitted, "change")} not counted here.`;
  return listed("churn", "Churn by Service", heads, rows, changesOmitted > 0 && quiet(omitted));
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
  const rows = report.figures.drift.map(({ process, pid, times, last, changes, response }): Child[] => [
    process || "unknown",
    pid === 0 ? "" : String(pid),
    count(times),
    position(report, last),
    firstOf(changes),
    response,
  ]);
  return listed("drift", "Drift by process", heads, rows);
}

/** Records that the ledger does not have. */
function gapsSection(report: Report): HTMLElement {
  const rows = report.figures.gaps.map(({ offset, time, records, reason }): Child[] => [
    position(report, offset),
    when(report, time),
    count(records),
    reason,
  ]);
  return listed("gaps", "Gaps", ["record", "when", { numbers: "lost" }, "why"], rows);
}

/** Commits that the kernel rejected. */
function rejectedSection(report: Report): HTMLElement {
  const rows = report.figures.rejected.map(({ offset, time, error, setAside }): Child[] => [
    position(report, offset),
    when(report, time),
    error,
    setAside ?? "nothing",
  ]);
  return listed("rejected", "Rejected commits", ["record", "when", "error of the kernel", "left out"], rows);
}

/** A section with a table of at most {@link ROWS_MAX} rows, and a note below it. */
function listed(
  id: string,
  title: string,
  heads: readonly ColumnHead[],
  rows: readonly (readonly Child[])[],
  note?: Child,
): HTMLElement {
  const more = rows.length - ROWS_MAX;
  return section(
    id,
    title,
    table(title, heads, rows.slice(0, ROWS_MAX)),
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
  const made = element("time", { datetime: time });
  report.follow(() => {
    made.textContent = moment(Date.parse(time), report.zone);
  });
  return made;
}

/** A bar. Screen readers skip it: the number is beside it. */
function meter(value: number, most: number): Element {
  const svg = (tag: string, attributes: Readonly<Record<string, string>>) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, text] of Object.entries(attributes)) made.setAttribute(name, text);
    return made;
  };
  const bar = svg("rect", { width: String(100 * value / most), height: "8" });
  const made = svg("svg", {
    viewBox: "0 0 100 8",
    class: "meter",
    "aria-hidden": "true",
    preserveAspectRatio: "none",
  });
  made.append(bar);
  return made;
}
