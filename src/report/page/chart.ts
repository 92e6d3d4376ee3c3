/// <reference lib="dom" />
// Charts over time, by uPlot: a mark at the median of each stretch and a line up to its 99th percentile, the moment that
// is shown, and what went wrong.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Buckets } from "../buckets.ts";
import { colour } from "./colours.ts";
import { element } from "./dom.ts";
import { moment, type Zone } from "./words.ts";

/** Distances between times at the axis, in seconds: those that people find round. */
const TIME_STEPS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 240].map((hours) => hours * 3600),
];
const DAY_SECONDS = 86_400;

/** Pixels left of every chart, for its numbers: charts and slider share it, so that moments are above each other. */
export const AXIS_WIDTH = 64;
/** Pixels of a chart, and of the times under the last one. */
const HEIGHT = 88;
const TIMES_HEIGHT = 22;
/** A time closer than this to the left edge would lie under the numbers. */
const TIME_WIDTH = 28;

/** What went wrong at a moment, for a mark in every chart. */
export interface Mark {
  readonly seconds: number;
  readonly colour: "bad" | "warn";
}

/** One chart. */
export interface ChartPlan {
  readonly title: string;
  readonly buckets: Buckets;
  /** Text of a number at the axis. */
  readonly label: (value: number) => string;
  /** A range of values is drawn on a logarithmic scale: a first load is a thousand times an endpoint. */
  readonly shape: "range" | "bars";
  /** Smallest value that means something; less is drawn as that. */
  readonly least: number;
  /** Whether times stand under it: the last of several charts has them for all. */
  readonly times: boolean;
}

/** What all charts of a page share. */
export interface Shared {
  /** Seconds since 1970. */
  readonly begin: number;
  readonly end: number;
  readonly marks: readonly Mark[];
  now(): { readonly seconds: number; readonly zone: Zone };
  /** Somebody chose a moment. */
  choose(seconds: number): void;
}

/** A chart that is on the page. */
export interface Chart {
  readonly root: HTMLElement;
  /** Draws it again, in the present colours and width, at the present moment. */
  redraw(): void;
}

/** The chart of `plan`. */
export function chart(plan: ChartPlan, shared: Shared): Chart {
  const place = element("div", { class: "plot", "aria-hidden": "true" });
  const root = element("figure", {}, element("figcaption", {}, plan.title), place);
  let plot: uPlot | undefined;
  return {
    root,
    redraw: () => {
      const width = Math.max(200, place.clientWidth);
      if (plot === undefined) {
        plot = new uPlot(options(plan, shared, width), columns(plan, shared), place);
        listen(plot, shared);
      } else if (plot.width !== width) plot.setSize({ width, height: plot.height });
      else plot.redraw(false, true);
    },
  };
}

/** A first and a last row without values stretch the axis over the whole window. */
function columns({ buckets, least }: ChartPlan, { begin, end }: Shared): uPlot.AlignedData {
  const framed = (values: readonly number[]) => [
    null,
    ...values.map((value) => Math.max(value, least)),
    null,
  ];
  return [[begin, ...buckets.seconds, end], framed(buckets.median), framed(buckets.high)];
}

function options(plan: ChartPlan, shared: Shared, width: number): uPlot.Options {
  const label = () => colour("quiet");
  const grid = { stroke: () => colour("line"), width: 1 };
  const font = "11px system-ui, sans-serif";
  return {
    width,
    height: HEIGHT + (plan.times ? TIMES_HEIGHT : 0),
    padding: [8, 8, 8, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false }, y: false },
    scales: { x: { time: false, range: [shared.begin, shared.end] }, y: verticalScale(plan) },
    series: [{}, { show: true, paths: () => null, points: { show: false } }, {
      paths: () => null,
      points: { show: false },
    }],
    axes: [
      {
        show: plan.times,
        stroke: label,
        grid: { show: false },
        ticks: { show: false },
        font,
        size: TIMES_HEIGHT,
        gap: 4,
        space: 80,
        incrs: TIME_STEPS,
        values: (plot, seconds) => seconds.map((second) => axisTime(plot, second, shared)),
      },
      {
        stroke: label,
        grid,
        ticks: { show: false },
        font,
        size: AXIS_WIDTH,
        gap: 6,
        space: 28,
        ...(plan.shape === "range"
          ? { splits: (plot, _, low, high) => splits(plot, low, high), filter: (_, all) => all }
          : {}),
        values: (_, values) => values.map(plan.label),
      },
    ],
    hooks: {
      drawSeries: [(plot, i) => i === 1 && paint(plot, plan.shape)],
      draw: [(plot) => annotate(plot, shared)],
    },
  };
}

function axisTime(plot: uPlot, second: number, { begin, end, now }: Shared): string {
  if (plot.valToPos(second, "x") < TIME_WIDTH) return "";
  const text = moment(second * 1000, now().zone);
  if (end - begin > DAY_SECONDS) return text.slice(5, 16);
  return end - begin < 5 ? text.slice(11) : text.slice(11, 19);
}

function verticalScale({ shape, least }: ChartPlan): uPlot.Scale {
  if (shape === "bars") return { range: (_, __, high) => [0, high > 0 ? high * 1.08 : 1] };
  return {
    distr: 3,
    range: (_, low, high) => [decade(low ?? least, Math.floor), decade((high ?? least) * 1.01, Math.ceil)],
  };
}

/** The power of ten below or above `value`. */
function decade(value: number, round: (exponent: number) => number): number {
  return 10 ** round(Math.log10(value));
}

/** One line a power of ten, or a few round numbers. */
function splits(plot: uPlot, low: number, high: number): number[] {
  const [first, last] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
  const every = Math.ceil((last - first) / (plot.bbox.height / devicePixelRatio / 24));
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => 10 ** (first + i * every));
}

const DOT = 2;

/** The values themselves: bars from zero, or a dot with a line up to the 99th percentile. */
function paint(plot: uPlot, shape: ChartPlan["shape"]): void {
  const { ctx, data } = plot;
  const scale = devicePixelRatio;
  const [xs, medians, highs] = data as [number[], (number | null)[], (number | null)[]];
  ctx.save();
  ctx.fillStyle = colour("accent");
  xs.forEach((x, i) => {
    const [median, high] = [medians[i], highs[i]];
    if (median === null || median === undefined) return;
    const at = Math.round(plot.valToPos(x, "x", true));
    const [base, middle, top] = [plot.scales["y"]!.min!, median, high ?? median].map((value) =>
      Math.round(plot.valToPos(value, "y", true))
    ) as [number, number, number];
    if (shape === "bars") return ctx.fillRect(at - scale, middle, 2 * scale, base - middle);
    ctx.globalAlpha = 0.45;
    ctx.fillRect(at - scale / 2, top, scale, middle - top);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.arc(at, middle, DOT * scale, 0, 2 * Math.PI);
    ctx.fill();
  });
  ctx.restore();
}

/** What went wrong, at the upper edge; the moment that is shown, from top to bottom. */
function annotate(plot: uPlot, { marks, now }: Shared): void {
  const { ctx, bbox: { top, height } } = plot;
  const scale = devicePixelRatio;
  const line = (seconds: number, name: "bad" | "warn" | "text", length: number) => {
    const at = Math.round(plot.valToPos(seconds, "x", true));
    ctx.fillStyle = colour(name);
    ctx.fillRect(at - scale / 2, top, name === "text" ? scale : 2 * scale, length);
  };
  ctx.save();
  for (const mark of marks) line(mark.seconds, mark.colour, height / 4);
  line(now().seconds, "text", height);
  ctx.restore();
}

function listen(plot: uPlot, { choose }: Shared): void {
  const pick = (event: MouseEvent) => {
    const { left } = plot.over.getBoundingClientRect();
    choose(plot.posToVal(event.clientX - left, "x"));
  };
  plot.over.addEventListener("mousedown", pick);
  plot.over.addEventListener("mousemove", (event) => {
    if ((event.buttons & 1) === 1) pick(event);
  });
}
