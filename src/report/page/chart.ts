/// <reference lib="dom" />
// Charts over time, drawn with uPlot: for each stretch a dot at the median and a line up to the 99th percentile; marks
// for drift, gaps and rejected commits; a line at the moment that is shown.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Buckets } from "../buckets.ts";
import { lastAt } from "../past_map.ts";
import { colour } from "./colours.ts";
import { element } from "./dom.ts";
import { moment, type Zone } from "./words.ts";

/** Round distances between the times at the axis, in seconds. */
const TIME_STEPS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 240].map((hours) => hours * 3600),
];
const DAY_SECONDS = 86_400;

/** Pixels left of every chart for its numbers. The slider has the same margin, so that equal times are aligned. */
const AXIS_WIDTH = 64;
/** Pixels of a chart, and of the times below the last one. */
const HEIGHT = 88;
const TIMES_HEIGHT = 22;
/** A time closer than this to the left edge would overlap the numbers, and is not drawn. */
const TIME_WIDTH = 28;

/** Drift, a gap or a rejected commit: a mark in every chart. */
export interface Mark {
  readonly seconds: number;
  readonly colour: "bad" | "warn";
}

/** One chart. */
export interface ChartPlan {
  /** The title, where values are in stretches of so many milliseconds. */
  readonly title: (stretch: number) => string;
  /** The values in stretches of so many milliseconds. */
  readonly buckets: (stretch: number) => Buckets;
  /** The text of a number at the axis. */
  readonly label: (value: number) => string;
  /**
   * `range`: logarithmic, because a first load is a thousand times as large as one endpoint. `bars`: linear, from 0.
   */
  readonly shape: "range" | "bars";
  /** Smallest value that is drawn; lower ones are drawn as this one. */
  readonly least: number;
  /** Whether times are below it: the last of several charts has them for all. */
  readonly times: boolean;
}

/** State that all charts of a page share. */
export interface Shared {
  marks(): readonly Mark[];
  /** What is shown, in seconds since 1970. */
  range(): { readonly begin: number; readonly end: number };
  now(): { readonly seconds: number; readonly zone: Zone };
}

/** A chart on the page. */
export interface Chart {
  readonly root: HTMLElement;
  /** The element whose width is the range that is shown. */
  readonly over: HTMLElement;
  /** Draws the chart again with the present colours and width, its values in stretches of so many milliseconds. */
  redraw(stretch: number): void;
  /** Draws the range that is shown now. */
  zoom(stretch: number): void;
  /** Moves its line to the moment that is shown. Nothing is drawn again. */
  move(): void;
}

/** The chart of `plan`. */
export function chart(plan: ChartPlan, shared: Shared): Chart {
  const place = element("div", { class: "plot", "aria-hidden": "true" });
  const over = element("div", { class: "over" });
  const line = over.appendChild(element("div", { class: "now" }));
  const [title, hovered] = [element("span"), element("span", { class: "hovered" })];
  const root = element("figure", {}, element("figcaption", {}, title, " ", hovered), place);
  let plot: uPlot | undefined;
  const move = () => {
    // Not from uPlot: it knows its scales only some time after it was made.
    const { begin, end } = shared.range();
    line.style.left = `${100 * (shared.now().seconds - begin) / (end - begin)}%`;
  };
  const zoom = (stretch: number) => {
    if (plot === undefined) return;
    title.textContent = plan.title(stretch);
    plot.setData(columns(plan, shared, stretch));
    move();
  };
  return {
    root,
    over,
    move,
    zoom,
    redraw: (stretch) => {
      const width = Math.max(200, place.clientWidth);
      if (plot === undefined) {
        const options = optionsOf(plan, shared, width, (text) => hovered.textContent = text);
        plot = new uPlot(options, columns(plan, shared, stretch), place);
        plot.over.append(over);
      } else if (plot.width !== width) plot.setSize({ width, height: plot.height });
      zoom(stretch);
    },
  };
}

/**
 * The columns as uPlot takes them: those of the range that is shown. A first and a last row without values extend the
 * axis over the whole range.
 */
function columns(plan: ChartPlan, { range }: Shared, stretch: number): uPlot.AlignedData {
  const { begin, end } = range();
  const { seconds, median, high } = plan.buckets(stretch);
  const [from, to] = [lastAt(seconds, begin) + 1, lastAt(seconds, end) + 1];
  const framed = (values: readonly number[]) => [
    null,
    ...values.slice(from, to).map((value) => Math.max(value, plan.least)),
    null,
  ];
  return [[begin, ...seconds.slice(from, to), end], framed(median), framed(high)];
}

/** The options of uPlot. The series draw nothing themselves: {@link paint} does. */
function optionsOf(
  plan: ChartPlan,
  shared: Shared,
  width: number,
  hover: (text: string) => void,
): uPlot.Options {
  const label = () => colour("quiet");
  const grid = { stroke: () => colour("line"), width: 1 };
  const font = "11px system-ui, sans-serif";
  return {
    width,
    height: HEIGHT + (plan.times ? TIMES_HEIGHT : 0),
    padding: [8, 8, 8, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false }, y: false },
    scales: {
      x: { time: false, range: () => [shared.range().begin, shared.range().end] },
      y: verticalScale(plan),
    },
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
      setCursor: [(plot) => hover(hoverText(plot, plan, shared))],
    },
  };
}

/** The values of the stretch that the pointer is at: `03:12:10: 12 ms, up to 40 ms`. "" where there are none. */
function hoverText(
  { cursor: { idx }, data: [times, median = [], high = []] }: uPlot,
  plan: ChartPlan,
  shared: Shared,
): string {
  const [time, value, most] = idx === undefined || idx === null ? [] : [times[idx], median[idx], high[idx]];
  if (time === undefined || typeof value !== "number") return "";
  const upTo = plan.shape === "bars" || typeof most !== "number" ? "" : `, up to ${plan.label(most)}`;
  return `${moment(time * 1000, shared.now().zone)}: ${plan.label(value)}${upTo}`;
}

/** A time at the axis: the date with long windows, milliseconds with short ones. */
function axisTime(plot: uPlot, second: number, { range, now }: Shared): string {
  const { begin, end } = range();
  if (plot.valToPos(second, "x") < TIME_WIDTH) return "";
  const text = moment(second * 1000, now().zone);
  if (end - begin > DAY_SECONDS) return text.slice(5, 16);
  return end - begin < 5 ? text.slice(11) : text.slice(11, 19);
}

/** The range of values: from 0 for bars, between powers of ten otherwise. */
function verticalScale({ shape, least }: ChartPlan): uPlot.Scale {
  if (shape === "bars") return { range: (_, __, high) => [0, high > 0 ? high * 1.08 : 1] };
  return {
    distr: 3,
    range: (_, low, high) => [decade(low ?? least, Math.floor), decade((high ?? least) * 1.01, Math.ceil)],
  };
}

/** The power of ten that is nearest to `value` in the direction of `round`. */
function decade(value: number, round: (exponent: number) => number): number {
  return 10 ** round(Math.log10(value));
}

/** One line for each power of ten, or for every second, third ... where they would be too close. */
function splits(plot: uPlot, low: number, high: number): number[] {
  const [first, last] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
  const every = Math.ceil((last - first) / (plot.bbox.height / devicePixelRatio / 24));
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => 10 ** (first + i * every));
}

/** Radius of a dot in pixels. */
const DOT = 2;

/** Draws the values: bars from zero, or a dot with a line up to the 99th percentile. uPlot has no such series. */
function paint(plot: uPlot, shape: ChartPlan["shape"]): void {
  const { ctx, data } = plot;
  const scale = devicePixelRatio;
  const [xs, medians = [], highs = []] = data;
  ctx.save();
  ctx.fillStyle = colour("accent");
  Array.from(xs).forEach((x, i) => {
    const [median, high] = [medians[i], highs[i]];
    if (median === null || median === undefined) return;
    const at = Math.round(plot.valToPos(x, "x", true));
    const height = (value: number) => Math.round(plot.valToPos(value, "y", true));
    const [base, middle, top] = [height(plot.scales["y"]!.min!), height(median), height(high ?? median)];
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

/** Draws the marks at the upper edge. */
function annotate(plot: uPlot, { marks }: Shared): void {
  const { ctx, bbox: { top, height } } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  for (const mark of marks()) {
    const at = Math.round(plot.valToPos(mark.seconds, "x", true));
    ctx.fillStyle = colour(mark.colour);
    ctx.fillRect(at - scale / 2, top, 2 * scale, height / 4);
  }
  ctx.restore();
}
