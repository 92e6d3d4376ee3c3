// A part of a delta, for a batch that the kernel refused as a whole. It is cut between frontends, never inside one, and the
// smallest Services come first: when one Service is at fault, all others are served before it is known which. Chains that
// frontends lead to come before all of these, and go after them.

import { serviceOfComment } from "../kube/named_services.ts";
import { splitSetPath } from "../nft/ruleset.ts";
import { frontendInKey, isOfChains } from "../fold/resource.ts";
import { compareChanges, type Delta, type ElementChange } from "./delta.ts";
import { isRetired } from "./plan.ts";

/** Changes that are committed together or not at all. */
interface Unit {
  /** `namespace/name`; "" for changes that concern no Service alone. */
  readonly service: string;
  readonly frontend: string;
  readonly turn: Turn;
  readonly changes: ElementChange[];
}

/** When a unit is committed: 0 what frontends lead to, 1 frontends, 2 what they led to. */
type Turn = 0 | 1 | 2;

/** A part of a delta. */
export interface DeltaPart {
  readonly delta: Delta;
  /** How many changes are left for later parts. */
  readonly left: number;
  /** The Service of all of its changes, where they cannot be cut further; undefined where there are several units. */
  readonly alone: string | undefined;
}

/** The first units of `delta` with at most `most` changes together, as `measure` counts them, and at least one unit. */
export function partOf(
  delta: Delta,
  most: number,
  measure: (changes: Delta) => number = ({ length }) => length,
): DeltaPart {
  const units = unitsOf(delta);
  const taken: ElementChange[] = [];
  let [count, size] = [0, 0];
  for (const { changes } of units) {
    size += measure(changes);
    if (count > 0 && size > most) break;
    for (const change of changes) taken.push(change);
    count++;
  }
  return {
    delta: taken.sort(compareChanges),
    left: delta.length - taken.length,
    alone: count === 1 ? units[0]!.service : undefined,
  };
}

/** The units in order: by their turn, by the number of their Service's changes, then Service, then frontend. */
function unitsOf(delta: Delta): Unit[] {
  const units = new Map<string, Unit>();
  const sizes = new Map<string, number>();
  const pinned = new Set(delta.filter(isPinned).map(serviceOf));
  for (const change of delta) {
    const service = serviceOf(change);
    sizes.set(service, (sizes.get(service) ?? 0) + 1);
    // With affinity the frontends of a ServicePort need what is at its cluster IP.
    const frontend = pinned.has(service) ? nameOf(change) : frontendOf(change);
    const turn = turnOf(change);
    const name = `${turn} ${service}\n${frontend}`;
    const unit = units.get(name);
    if (unit === undefined) units.set(name, { service, frontend, turn, changes: [change] });
    else unit.changes.push(change);
  }
  const order = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;
  return [...units.values()].sort((a, b) =>
    a.turn - b.turn || sizes.get(a.service)! - sizes.get(b.service)! || order(a.service, b.service) ||
    order(a.frontend, b.frontend)
  );
}

/** The name of the ServicePort or Service that a change is for; "" where its element has none. */
function nameOf({ before, after }: ElementChange): string {
  return after?.comment ?? before?.comment ?? "";
}

/** The Service of a change; "" where it concerns none alone. */
function serviceOf(change: ElementChange): string {
  return serviceOfComment(nameOf(change));
}

/** Whether a change is that of a ServicePort with affinity. */
function isPinned({ set, before, after }: ElementChange): boolean {
  const { name } = splitSetPath(set);
  return /^(local-)?affinity-/.test(name) && (after ?? before)?.comment !== undefined;
}

/** A chain that goes is emptied first. */
function turnOf({ set, after }: ElementChange): Turn {
  if (!isOfChains(set)) return 1;
  return after === undefined || isRetired(set, after) ? 2 : 0;
}

/** The frontend of a change: its family and the key, without the slot or the source. */
function frontendOf({ set, key }: ElementChange): string {
  const { family } = splitSetPath(set);
  return `${family} ${isOfChains(set) ? "chains" : frontendInKey(set, key)}`;
}
