/// <reference lib="dom" />
// Tables about the whole window: churn by Service, drift by process, gaps, rejected commits; and notes on all figures.

import { position } from "./causes.ts";
import { type Child, element, section, table } from "./dom.ts";
import type { Report } from "./report.ts";
import { count, counted, moment } from "./words.ts";

/** Most rows of one table. */
const ROWS_MAX = 25;

/** The sections that have rows; churn always. */
export function incidentsSections(report: Report): HTMLElement[] {
  const { drift, gaps, rejected } = report.figures;
  const sections = [churnSection(report)];
  if (drift.length > 0) sections.push(driftSection(report));
  if (gaps.length > 0) {
    const rows = gaps.map(({ offset, time, records, reason }): Child[] => [
      position(report, offset),
      when(report, time),
      count(records),
      reason,
    ]);
    sections.push(listed("gaps", "Gaps", ["record", "when", "lost", "why"], rows, [2]));
  }
  if (rejected.length > 0) {
    const rows = rejected.map(({ offset, time, error, setAside }): Child[] => [
      position(report, offset),
      when(report, time),
      error,
      setAside ?? "nothing",
    ]);
    sections.push(
      listed("rejected", "Rejected commits", ["record", "when", "error of the kernel", "left out"], rows),
    );
  }
  return sections;
}

/** A section with a table of at most {@link ROWS_MAX} rows. */
function listed(
  id: string,
  title: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  numeric: readonly number[] = [],
): HTMLElement {
  const more = rows.length - ROWS_MAX;
  return section(
    id,
    title,
    table(title, heads, rows.slice(0, ROWS_MAX), numeric),
    more > 0 && element("p", { class: "quiet" }, `and ${count(more)} more`),
  );
}

/** Services by the number of their element changes. */
function churnSection(report: Report): HTMLElement {
  const { churn, changesOmitted } = report.figures;
  const most = churn[0]?.changes ?? 1;
  const rows = churn.map(({ service, changes, commits, last }): Child[] => [
    element("span", { class: "name" }, service),
    meter(changes, most),
    count(changes),
    count(commits),
    position(report, last),
  ]);
  const made = listed("churn", "Churn by Service", ["Service", "", "elements", "commits", "last"], rows, [
    2,
    3,
  ]);
  if (changesOmitted > 0) {
    made.append(
      element(
        "p",
        { class: "quiet" },
        `Commits of more than 1,024 changes name only the first: ${
          counted(changesOmitted, "change")
        } not counted here.`,
      ),
    );
  }
  return made;
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
function meter(value: number, most: number): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (
    const [name, text] of [["viewBox", "0 0 100 8"], ["class", "meter"], ["aria-hidden", "true"]] as const
  ) {
    svg.setAttribute(name, text);
  }
  svg.setAttribute("preserveAspectRatio", "none");
  const bar = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
  bar.setAttribute("width", String(100 * value / most));
  bar.setAttribute("height", "8");
  return svg;
}

/** Programs that changed our tables, with their last changes. */
function driftSection(report: Report): HTMLElement {
  const rows = report.figures.drift.map(({ process, pid, times, last, changes, response }): Child[] => [
    process || "unknown",
    pid === 0 ? "" : String(pid),
    count(times),
    position(report, last),
    changes.slice(0, 3).join("; ") + (changes.length > 3 ? ` and ${changes.length - 3} more` : ""),
    response,
  ]);
  return listed(
    "drift",
    "Drift by process",
    ["process", "last pid", "times", "last", "what it changed then", "response"],
    rows,
    [
      1,
      2,
    ],
  );
}

/** How the figures are measured, and what a ledger does not contain. */
export function notesSection(): HTMLElement {
  const notes = [
    [
      "Trigger",
      "when the EndpointSlice controller says that a change began. Counted once for each new value, without changes from before the first event of the window. The time is from the clock of another machine.",
    ],
    ["Arrival", "when this node received the event, to the millisecond."],
    [
      "Append",
      "is not recorded. A record is appended between its arrival and its commit; --fsync decides whether it is durable before the commit.",
    ],
    [
      "Commit",
      "when the kernel had acknowledged the batch. Time in the kernel is the duration of the system call that commits.",
    ],
    [
      "Not known",
      "the delay between API server and node apart from the trigger; entries of connection tracking; whether a packet was really sent.",
    ],
  ] as const;
  return section(
    "notes",
    "How to read this",
    element(
      "dl",
      { class: "notes" },
      ...notes.flatMap(([term, text]) => [
        element("dt", {}, term),
        element("dd", {}, text),
      ]),
    ),
  );
}
