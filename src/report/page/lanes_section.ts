/// <reference lib="dom" />
// A lane for each Service below the charts, over the same time: its endpoints, those that serve, and outages.

import type { ServiceName } from "../../kube/service_name.ts";
import { conditionOf, laneOf, type LanePoint, pointAt, servicesWithLanes } from "../lanes.ts";
import { stopOfOffset } from "../stops.ts";
import { colour } from "./colours.ts";
import { arrange, element } from "./dom.ts";
import type { Report } from "./report.ts";
import { listenForTime, timeAt } from "./time_gestures.ts";
import { count, moment } from "./words.ts";

/** Most lanes; a name in the filter of the Services shows others. */
const LANES_MAX = 16;
/** Pixels of a lane. */
const HEIGHT = 16;

/** One lane on the page. */
interface Lane {
  readonly root: HTMLElement;
  /** Whether no record since it was made has changed its Service. */
  isCurrent(): boolean;
  /** Draws the range that is shown. */
  draw(): void;
  /** Shows the numbers of the moment. */
  move(): void;
  /** Shows the values at `time`; undefined: none. */
  hover(time: number | undefined): void;
}

/** The lanes, and a function that draws them again. */
export function lanesSection(report: Report): { root: HTMLElement; redraw: () => void } {
  const known = new Map<ServiceName, Lane>();
  const list = element("ol", { class: "lanes", "aria-label": "Endpoints of Services over time" });
  const over = element("div", { class: "over" });
  const line = over.appendChild(element("div", { class: "now" }));
  const box = element("div", { class: "lanes-box" }, list, element("div", { class: "lanes-over" }, over));
  const root = element("div", {}, legend(), box);
  listenForTime(report, over);
  let shown: Lane[] = [];
  const move = () => {
    const { stop, range: { begin, end } } = report;
    line.style.left = `${100 * (stop.time - begin) / (end - begin)}%`;
    for (const lane of shown) lane.move();
  };
  const redraw = () => shown.forEach((lane) => lane.draw());
  report.follow(["service"], () => {
    shown = namesOf(report).map((name) => {
      const before = known.get(name);
      const lane = before?.isCurrent() ? before : laneFor(report, name);
      known.set(name, lane);
      return lane;
    });
    arrange(list, shown.map(({ root }) => root));
    redraw();
    move();
  });
  over.addEventListener("pointermove", (event) => {
    const time = timeAt(report, over, event);
    const lane = shown.find(({ root }) => root.getBoundingClientRect().bottom > event.clientY);
    for (const one of shown) one.hover(one === lane ? time : undefined);
  });
  over.addEventListener("pointerleave", () => shown.forEach((lane) => lane.hover(undefined)));
  report.follow(["range"], redraw);
  report.follow(["moment", "range"], move);
  return { root, redraw };
}

/** What the colours of lanes mean. */
function legend(): HTMLElement {
  return element(
    "p",
    { class: "legend quiet" },
    "Endpoints that serve, of all endpoints; ",
    element("span", { class: "bad" }, "red where a port has none"),
    ". A name shows that Service alone.",
  );
}

function namesOf({ timeline, service, data, figures }: Report): ServiceName[] {
  const facts = { outages: data.outages, churn: figures.churn };
  return servicesWithLanes(timeline.services.names, service, facts, LANES_MAX);
}

/** The lane of one Service. */
function laneFor(report: Report, name: ServiceName): Lane {
  const points = laneOf(
    report.timeline,
    name,
    (offset) => report.stops[stopOfOffset(report.stops, offset)]!.time,
  );
  const { timeline } = report;
  const [last, first] = [timeline.services.of(name).at(-1), timeline.first];
  // A record that no commit has folded yet gets its time from that commit.
  const settled = last === undefined ||
    report.stops[stopOfOffset(report.stops, last)]!.kind !== "uncommitted";
  const canvas = element("canvas", { "aria-hidden": "true", height: HEIGHT });
  const choose = element("button", { type: "button", class: "lane-name" }, name);
  choose.addEventListener("click", () => report.setService(report.service === name ? "" : name));
  const [now, hovered] = [element("span", { class: "lane-now" }), element("span", { class: "hovered" })];
  const root = element("li", {}, now, choose, hovered, canvas);
  return {
    root,
    isCurrent: () => settled && timeline.first === first && timeline.services.of(name).at(-1) === last,
    draw: () => draw(canvas, points, report),
    move: () => {
      const here = conditionOf(report.services.of(name));
      now.textContent = here.kind === "none" ? "–" : `${count(here.serving)}/${count(here.total)}`;
      now.classList.toggle("bad", here.kind === "lacking");
    },
    hover: (time) => {
      const point = time === undefined ? undefined : pointAt(points, time);
      hovered.textContent = time === undefined || point === undefined
        ? ""
        : `${moment(time, report.zone)}: ${pointText(point)}`;
    },
  };
}

/** `2 of 3 endpoints serve`. */
function pointText({ kind, serving, total }: Omit<LanePoint, "time">): string {
  return kind === "none" ? "no such Service" : `${count(serving)} of ${count(total)} endpoints serve`;
}

/** Draws the points of the range: the endpoints in grey, those that serve in colour, red where a port had none. */
function draw(canvas: HTMLCanvasElement, points: readonly LanePoint[], { range }: Report): void {
  const width = canvas.clientWidth;
  const ctx = canvas.getContext("2d");
  if (ctx === null || width === 0) return;
  canvas.width = width * devicePixelRatio;
  canvas.height = HEIGHT * devicePixelRatio;
  ctx.scale(devicePixelRatio, devicePixelRatio);
  const most = Math.max(1, ...points.map(({ total }) => total));
  const at = (time: number) => width * (time - range.begin) / (range.end - range.begin);
  const bar = (from: number, to: number, share: number, name: Parameters<typeof colour>[0]) => {
    ctx.fillStyle = colour(name);
    const height = share === 0 ? 0 : Math.max(1, HEIGHT * share);
    ctx.fillRect(from, HEIGHT - height, Math.max(to - from, 0.7), height);
  };
  points.forEach(({ time, kind, serving, total }, i) => {
    const [from, to] = [Math.max(0, at(time)), Math.min(width, at(points[i + 1]?.time ?? Infinity))];
    if (to < 0 || from > width || kind === "none") return;
    bar(from, to, total / most, "line");
    if (kind === "lacking") bar(from, to, 1, "bad-ground");
    bar(from, to, serving / most, "accent");
  });
}
