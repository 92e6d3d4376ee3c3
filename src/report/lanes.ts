// A lane for each Service: how many of its endpoints served, from moment to moment. Which Services have one: those that a
// reader named; else those with outages, and those that changed most.

import type { Outage } from "../history/outages.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Churn } from "./figures.ts";
import { lastAt } from "./past_map.ts";
import { type PortView, portViews } from "./service_view.ts";
import type { GrowingTimeline } from "./timeline.ts";

/** Most moments of one lane that are worked out. Where a Service changed more often, they are spread evenly. */
const LANE_MOMENTS_MAX = 1000;

/** What a lane shows from a moment on. */
export interface LanePoint {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Endpoints of all ports that get traffic. */
  readonly serving: number;
  readonly total: number;
  /** `none`: there is no such ServicePort; `lacking`: one of them has no endpoint with traffic. */
  readonly kind: "none" | "lacking" | "served";
}

/** The lane of `name`, by time; `timeOf` gives the time at which a record was in force. The moment that is shown stays. */
export function laneOf(
  timeline: GrowingTimeline,
  name: ServiceName,
  timeOf: (offset: number) => number,
): LanePoint[] {
  const { at } = timeline.view;
  const points: LanePoint[] = [];
  for (const offset of spread([timeline.first - 1, ...timeline.services.of(name)], LANE_MOMENTS_MAX)) {
    timeline.moveTo(offset);
    const point = { time: timeOf(offset), ...conditionOf(portViews(timeline.view, name)) };
    const last = points.at(-1);
    if (last !== undefined && sameCondition(last, point)) continue;
    // Records that one commit folded were in force together.
    if (last?.time === point.time) points.pop();
    points.push(point);
  }
  timeline.moveTo(at);
  return points;
}

/** What a lane shows for these ServicePorts of one Service. */
export function conditionOf(ports: readonly PortView[]): Omit<LanePoint, "time"> {
  const sum = (of: (port: PortView) => number) => ports.reduce((total, port) => total + of(port), 0);
  const lacking = ports.some(({ serving, aside }) => serving === 0 || aside !== undefined);
  return {
    serving: sum(({ serving }) => serving),
    total: sum(({ endpoints }) => endpoints.length),
    kind: ports.length === 0 ? "none" : lacking ? "lacking" : "served",
  };
}

/** The point of a lane that is in force at `time`; undefined before the first. */
export function pointAt(points: readonly LanePoint[], time: number): LanePoint | undefined {
  return points[lastAt(points.map((point) => point.time), time)];
}

/** The Services that have a lane, at most `most`: those that `text` is in, or those with problems and with most changes. */
export function servicesWithLanes(
  names: readonly ServiceName[],
  text: string,
  { outages, churn }: { readonly outages: readonly Outage[]; readonly churn: readonly Churn[] },
  most: number,
): ServiceName[] {
  const service = text.toLowerCase().replace(/:.*$/, "");
  const named = text === "" ? [] : names.filter((name) => name.includes(service));
  if (named.length > 0) {
    const exact = named.filter((name) => name === service);
    return [...exact, ...named.filter((name) => name !== service)].slice(0, most);
  }
  const lasting = outages.filter(({ to }) => to === null);
  const wanted = new Set([...lasting, ...outages, ...churn].map(({ service }) => service));
  const known = new Map(names.map((name): [string, ServiceName] => [name, name]));
  return [...wanted].flatMap((name) => known.get(name) ?? []).slice(0, most);
}

function sameCondition(a: LanePoint, b: LanePoint): boolean {
  return a.serving === b.serving && a.total === b.total && a.kind === b.kind;
}

/** At most `most` of `all`, with the first and the last. */
function spread(all: readonly number[], most: number): readonly number[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.round(i * (all.length - 1) / (most - 1))]!);
}
