/// <reference lib="dom" />
// The charts, one below the other, all over the time of the window.

import { bucketed, type Sample, stretchOf } from "../buckets.ts";
import type { Sync } from "../latency.ts";
import { type Chart, chart, type ChartPlan, type Mark, type Shared } from "./chart.ts";
import { element } from "./dom.ts";
import type { Report } from "./report.ts";
import { count, duration } from "./words.ts";

/** Most stretches of time that a chart shows. */
const STRETCHES_MAX = 180;

/** The time that charts and slider show, in milliseconds since 1970: the window with a margin, never empty. */
export function span({ stops }: Report): { begin: number; end: number } {
  const [begin, end] = [stops[0]!.time, stops.at(-1)!.time];
  const margin = Math.max(500, (end - begin) / 50);
  return { begin: begin - margin, end: end + margin };
}

/** The section; a function that draws it again, and one that moves its line to the moment that is shown. */
export function chartsSection(
  report: Report,
): { root: HTMLElement; redraw: () => void; move: () => void } {
  const { begin, end } = span(report);
  const shared: Shared = {
    begin: begin / 1000,
    end: end / 1000,
    marks: marksOf(report),
    now: () => ({ seconds: report.stop.time / 1000, zone: report.zone }),
    choose: (seconds) => report.goToTime(seconds * 1000),
  };
  const stretch = stretchOf(end - begin, STRETCHES_MAX);
  const charts: Chart[] = plansOf(report, stretch).map((plan, i, { length }) =>
    chart({ ...plan, times: i === length - 1 }, shared)
  );
  const root = element(
    "div",
    { class: "charts" },
    ...charts.map(({ root }) => root),
    shared.marks.length > 0 && legend(),
  );
  return {
    root,
    redraw: () => charts.forEach((one) => one.redraw()),
    move: () => charts.forEach((one) => one.move()),
  };
}

/** What the colours of marks mean. */
function legend(): HTMLElement {
  return element(
    "p",
    { class: "legend quiet" },
    "Marks at the upper edge: ",
    element("span", { class: "warn" }, "drift"),
    ", ",
    element("span", { class: "bad" }, "gap or rejected commit"),
    ". A click shows that moment.",
  );
}

/** The charts of a window. Latencies that a played recording makes meaningless are left out. */
function plansOf(report: Report, stretch: number): Omit<ChartPlan, "times">[] {
  const { syncs, clock } = report.figures;
  const buckets = (values: (sync: Sync) => readonly number[]) => bucketed(samples(syncs, values), stretch);
  const counts = buckets(() => [1]);
  const latency = (title: string, values: (sync: Sync) => readonly number[]): Omit<ChartPlan, "times"> => ({
    title: `${title}: median, up to p99`,
    buckets: buckets(values),
    label: duration,
    shape: "range",
    least: 1,
  });
  const latencies = clock === "played" ? [] : [
    latency("From trigger to commit", ({ fromTrigger }) => fromTrigger),
    latency("From arrival to commit", ({ fromArrival }) => fromArrival),
  ];
  if (syncs.length === 0) return [eventsPlan(report, stretch)];
  return [
    ...latencies.filter(({ buckets }) => buckets.count.length > 0),
    {
      title: "In the kernel: median, up to p99",
      buckets: buckets(({ microseconds }) => [microseconds / 1000]),
      label: duration,
      shape: "range",
      least: 0.001,
    },
    {
      title: "Operations per sync: median, up to p99",
      buckets: buckets(({ operations }) => [operations]),
      label: count,
      shape: "range",
      least: 1,
    },
    {
      title: `Syncs in ${duration(stretch)}`,
      buckets: { ...counts, median: counts.count, high: counts.count },
      label: whole,
      shape: "bars",
      least: 0,
    },
  ];
}

/** The only chart of a window without commits: the events. */
function eventsPlan({ data }: Report, stretch: number): Omit<ChartPlan, "times"> {
  const events = data.records.filter(({ kind }) => kind === "event");
  const counts = bucketed(events.map(({ time }) => ({ time: Date.parse(time), values: [1] })), stretch);
  return {
    title: `Events in ${duration(stretch)}; nothing was committed`,
    buckets: { ...counts, median: counts.count, high: counts.count },
    label: whole,
    shape: "bars",
    least: 0,
  };
}

/** The text of a whole number; none at an axis for fractions. */
function whole(value: number): string {
  return Number.isInteger(value) ? count(value) : "";
}

function samples(syncs: readonly Sync[], values: (sync: Sync) => readonly number[]): Sample[] {
  return syncs.map((sync) => ({ time: sync.time, values: values(sync) }));
}

/** Marks at drift, gaps and rejected commits. */
function marksOf({ stops }: Report): Mark[] {
  return stops.flatMap(({ kind, time }): Mark[] => {
    if (kind === "drift") return [{ seconds: time / 1000, colour: "warn" }];
    return kind === "gap" || kind === "rejected" ? [{ seconds: time / 1000, colour: "bad" }] : [];
  });
}
