/// <reference lib="dom" />
// The charts, one below the other, all over the time of the window.

import { bucketed, type Buckets, type Sample, stretchOf } from "../buckets.ts";
import type { Sync } from "../latency.ts";
import { type Chart, chart, type ChartPlan, type Mark, type Shared } from "./chart.ts";
import { element } from "./dom.ts";
import type { Report } from "./report.ts";
import { listenForTime } from "./time_gestures.ts";
import { count, duration } from "./words.ts";

/** Most stretches of time that a chart shows. */
const STRETCHES_MAX = 180;

/** The section, and a function that draws it again. */
export function chartsSection(report: Report): { root: HTMLElement; redraw: () => void } {
  const shared: Shared = {
    marks: () => marksOf(report),
    range: () => ({ begin: report.range.begin / 1000, end: report.range.end / 1000 }),
    now: () => ({ seconds: report.stop.time / 1000, zone: report.zone }),
  };
  const charts: Chart[] = plansOf(report).map((plan, i, { length }) =>
    chart({ ...plan, times: i === length - 1 }, shared)
  );
  for (const { over } of charts) listenForTime(report, over);
  const root = element(
    "div",
    { class: "charts" },
    ...charts.map(({ root }) => root),
    (report.data.live || shared.marks().length > 0) && legend(),
  );
  const stretch = () => stretchOf(report.range.end - report.range.begin, STRETCHES_MAX);
  const redraw = () => charts.forEach((one) => one.redraw(stretch()));
  report.follow(["range"], () => charts.forEach((one) => one.zoom(stretch())));
  report.follow(["moment"], () => charts.forEach((one) => one.move()));
  return { root, redraw };
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
    ".",
  );
}

/** The charts of a window. Latencies that a played recording makes meaningless are left out. */
function plansOf(report: Report): Omit<ChartPlan, "times">[] {
  const { syncs, clock } = report.figures;
  const buckets = (values: (sync: Sync) => readonly number[]) =>
    inStretches(report, () => samples(report.figures.syncs, values));
  const counts = buckets(() => [1]);
  const latency = (title: string, values: (sync: Sync) => readonly number[]): Omit<ChartPlan, "times"> => ({
    title: () => `${title}: median, up to p99`,
    buckets: buckets(values),
    label: duration,
    shape: "range",
    least: 1,
  });
  const latencies = clock === "played" ? [] : [
    latency("From trigger to commit", ({ fromTrigger }) => fromTrigger),
    latency("From arrival to commit", ({ fromArrival }) => fromArrival),
  ];
  if (syncs.length === 0) return [eventsPlan(report)];
  return [
    ...latencies.filter(({ buckets }) => buckets(Infinity).count.length > 0),
    {
      title: () => "In the kernel: median, up to p99",
      buckets: buckets(({ microseconds }) => [microseconds / 1000]),
      label: duration,
      shape: "range",
      least: 0.001,
    },
    {
      title: () => "Operations per sync: median, up to p99",
      buckets: buckets(({ operations }) => [operations]),
      label: count,
      shape: "range",
      least: 1,
    },
    {
      title: (stretch) => `Syncs in ${duration(stretch)}`,
      buckets: (stretch) => numbered(counts(stretch)),
      label: whole,
      shape: "bars",
      least: 0,
    },
  ];
}

/** The only chart of a window without commits: the events. */
function eventsPlan(report: Report): Omit<ChartPlan, "times"> {
  const counts = inStretches(report, () => {
    const events = report.data.records.filter(({ kind }) => kind === "event");
    return events.map(({ time }) => ({ time: Date.parse(time), values: [1] }));
  });
  return {
    title: (stretch) => `Events in ${duration(stretch)}; nothing was committed`,
    buckets: (stretch) => numbered(counts(stretch)),
    label: whole,
    shape: "bars",
    least: 0,
  };
}

/**
 * Samples in stretches of a length. Each length is worked out once, until records are added: a reader who zooms meets
 * few of them.
 */
function inStretches(report: Report, samplesNow: () => readonly Sample[]): (stretch: number) => Buckets {
  const known = new Map<number, Buckets>();
  let [figures, samples] = [report.figures, samplesNow()];
  return (stretch) => {
    if (figures !== report.figures) {
      [figures, samples] = [report.figures, samplesNow()];
      known.clear();
    }
    const buckets = known.get(stretch) ?? bucketed(samples, stretch);
    known.set(stretch, buckets);
    return buckets;
  };
}

/** Buckets whose values are how many there are. */
function numbered(buckets: Buckets): Buckets {
  return { ...buckets, median: buckets.count, high: buckets.count };
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
