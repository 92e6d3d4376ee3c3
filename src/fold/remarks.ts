// Lines for the log about what was folded: Services that claim one frontend, parts of Services that are left out, Services
// that are not served. Each line is printed once, when the fact becomes true, and not again while it stays true.

import { countText } from "../count_text.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { SLOT_CLASS_MAX } from "../limits/rules.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { FoldChanges } from "./fold_changes.ts";
import { readFrontendClaim } from "./resource.ts";
import { titleText } from "./title.ts";

/** Parts of one Service, or rivals of one, that are named in a line. */
const PARTS_SHOWN = 5;

/** A line, and the Services that it is about: of many the first ones. */
export interface Remark {
  readonly text: string;
  readonly services: readonly string[];
}

/** What is true of `state` and was not before `changes` were made to it. */
export function remarks(state: ClusterState, changes: FoldChanges): Remark[] {
  const { conflicts: contested, omissions: omitted, leftOut, setAside } = changes;
  // Nearly all changes give rise to none.
  if ((contested ?? omitted ?? leftOut ?? setAside) === undefined) return [];
  return [
    ...conflicts(state, changes),
    ...omissions(state, changes),
    ...partsLeftOut(state, changes),
    ...servicesSetAside(state, changes),
  ];
}

/** Frontends that a second Service began to claim: one line for all that the same Services claim, who may have thousands of ports. */
function conflicts({ contested, claims, titles }: ClusterState, changes: FoldChanges): Remark[] {
  const began = [...changes.conflicts ?? []].filter(([claim, before]) => !before && contested.has(claim));
  const saying = (claim: string) => {
    const [holder, ...others] = claims.get(claim)!;
    return `claimed by ${namesText(others)} too: ${holder}, ${titleText(titles.get(claim))}, has`;
  };
  const alike = Map.groupBy(began.map(([claim]) => claim).sort(), saying);
  return [...alike].map(([text, [first, ...more]]) => {
    const { family, frontend } = readFrontendClaim(first!)!;
    const said = more.length === 0
      ? `${family} ${frontend} is ${text} it`
      : `${family} ${frontend} and ${more.length} more are ${text} them`;
    return { text: said, services: claims.get(first!)!.slice(0, 2) };
  });
}

/** The first of `names`, and how many more there are: a tenant can make thousands of Services that claim one frontend. */
export function namesText(names: readonly string[]): string {
  return shortened(names, ", ", " and");
}

function shortened(parts: readonly string[], between: string, last: string): string {
  const more = parts.length - PARTS_SHOWN;
  return `${parts.slice(0, PARTS_SHOWN).join(between)}${more > 0 ? `${last} ${more} more` : ""}`;
}

/** ServicePorts with more endpoints than slots, where the number that gets no traffic is new. */
function omissions({ omitted }: ClusterState, changes: FoldChanges): Remark[] {
  const differs = ([port, before]: readonly [string, number | undefined]) =>
    omitted.has(port) && omitted.get(port) !== before;
  const ports = [...changes.omissions ?? []].filter(differs).map(([port]) => port).sort();
  const why = `because a ServicePort has at most ${SLOT_CLASS_MAX} slots`;
  return ports.map((port) => ({
    text: `${port}: ${
      countText(omitted.get(port)!, "ready endpoint gets", "ready endpoints get")
    } no traffic, ${why}`,
    services: [port],
  }));
}

/** Services whose list of parts that are left out is new. */
function partsLeftOut({ leftOut }: ClusterState, changes: FoldChanges): Remark[] {
  return byName(changes.leftOut).flatMap(([name, before]) => {
    const parts = leftOut.get(name);
    if (parts === undefined || parts.join() === before?.join()) return [];
    return [{ text: `Service ${name}: ${shortened(parts, "; ", "; and")}`, services: [name] }];
  });
}

/** Services that are set aside, and were not before. */
function servicesSetAside({ aside, crowded }: ClusterState, changes: FoldChanges): Remark[] {
  return byName(changes.setAside).flatMap(([name, before]) => {
    const reason = aside.get(name);
    const until = crowded.has(name) ? "there is room" : "it changes";
    if (before || reason === undefined) return [];
    return [{ text: `Service ${name} is set aside until ${until}: ${reason}`, services: [name] }];
  });
}

/** The entries of `changed` in an order that does not depend on that of events. */
function byName<Value>(changed: ReadonlyMap<ServiceName, Value> = new Map()): [ServiceName, Value][] {
  return [...changed].sort(([a], [b]) => a < b ? -1 : 1);
}
