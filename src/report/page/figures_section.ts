/// <reference lib="dom" />
// The figures of the window: latencies and sizes of syncs in a table, and beside it the totals.

import { ascending, percentile } from "../../history/percentile.ts";
import { type Child, element, section, table } from "./dom.ts";
import type { Report } from "./report.ts";
import { count, duration } from "./words.ts";

const HEADS = ["", ...["p50", "p99", "most", "of"].map((numbers) => ({ numbers }))];

/** The section. */
export function figuresSection(report: Report): HTMLElement {
  const { figures } = report;
  const rows = [
    row("Trigger to arrival", figures.triggerToArrival, lateness),
    ...(figures.clock === "played" ? [] : [
      row("Arrival to commit", figures.syncs.flatMap(({ fromArrival }) => fromArrival), lateness),
      row("Trigger to commit", figures.syncs.flatMap(({ fromTrigger }) => fromTrigger), lateness),
    ]),
    row("In the kernel", figures.syncs.flatMap(({ microseconds }) => [microseconds / 1000]), duration),
    row("Operations per sync", figures.syncs.flatMap(({ operations }) => [operations]), count),
  ];
  return section(
    "figures",
    "Figures",
    element(
      "div",
      { class: "figures" },
      table("Latency and size of syncs", HEADS, rows),
      totals(report),
    ),
    played(report),
  );
}

/** `duration`, but 0 is less than a millisecond: times in a ledger have no smaller unit. */
function lateness(milliseconds: number): string {
  return milliseconds === 0 ? "under 1 ms" : duration(milliseconds);
}

/** A row with median, 99th percentile, maximum and count. */
function row(name: string, all: readonly number[], text: (value: number) => string): Child[] {
  const sorted = ascending(all);
  const at = (rank: number) => {
    const value = percentile(sorted, rank);
    return value === undefined ? "not known" : text(value);
  };
  return [name, at(0.5), at(0.99), at(1), count(sorted.length)];
}

/** Counts over the window; those that are problems are coloured where they are not 0. */
function totals({ figures, data, stops }: Report): HTMLElement {
  const events = data.records.filter(({ kind }) => kind === "event").length;
  const uncommitted = stops.filter(({ kind }) => kind === "uncommitted").length;
  const drift = figures.drift.reduce((sum, { times }) => sum + times, 0);
  const total = (name: string, number: number, bad = false) =>
    element(
      "div",
      { class: bad && number > 0 ? "total bad" : "total" },
      element("dt", {}, name),
      element("dd", {}, count(number)),
    );
  return element(
    "dl",
    { class: "totals" },
    total("events", events),
    total("syncs", figures.syncs.length),
    total("not committed", uncommitted),
    total("drift", drift, true),
    total("gaps", figures.gaps.length, true),
    total("rejected", figures.rejected.length, true),
  );
}

/** A note where a recording was played into the ledger. */
function played({ figures }: Report): HTMLElement | false {
  if (figures.clock === undefined) return false;
  return element(
    "p",
    { class: "left-out" },
    "Arrival to commit is not known: a recording was played into this ledger, so the times of events and of commits are from different clocks.",
  );
}
