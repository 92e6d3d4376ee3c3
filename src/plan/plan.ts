// The planner: from the committed elements and the desired ones to a Delta, looking only at what was touched, and from
// a Delta to operations in an order the kernel accepts.

import { assert } from "../invariant.ts";
import { objectNoun } from "../nft/objects.ts";
import {
  type Chain,
  type Container,
  type Element,
  type ElementKey,
  type Elements,
  type ObjectElement,
  sameElement,
  type SetDefinition,
  type SetPath,
  splitSetPath,
} from "../nft/ruleset.ts";
import type { Operation, Transaction } from "../nft/transaction.ts";
import type { Delta, ElementChange } from "./delta.ts";

/** Keys that may differ, and the offset of the record that last touched each. */
export type Touched = ReadonlyMap<SetPath, ReadonlyMap<ElementKey, number>>;

/** The changes from `committed` to `desired` among the `touched` keys. Costs what was touched. */
export function plan(committed: Elements, desired: Elements, touched: Touched): Delta {
  const changes: ElementChange[] = [];
  for (const set of [...touched.keys()].sort()) {
    const [old, now, causes] = [committed.get(set), desired.get(set), touched.get(set)!];
    for (const key of [...causes.keys()].sort()) {
      const before = old?.get(key);
      const after = now?.get(key) ?? retired(set, before);
      if (!sameElement(before, after)) changes.push({ set, key, before, after, cause: causes.get(key)! });
    }
  }
  return changes;
}

/**
 * A chain that nobody wants any more is emptied by one commit and deleted by the next: kernels before 6.2 take a verdict
 * that the same batch deletes for one that still leads there, and refuse.
 */
function retired(set: SetPath, before: Element | undefined): Element | undefined {
  if (objectNoun(set) !== "chain" || before === undefined || before.value === "") return undefined;
  const { definition, key } = before as ObjectElement;
  const emptied: ObjectElement = { key, value: "", definition: { ...definition as Chain, rules: [] } };
  return emptied;
}

/** Whether `element` is a chain that waits for its deletion. */
export function isRetired(set: SetPath, element: Element | undefined): boolean {
  return objectNoun(set) === "chain" && element?.value === "";
}

/** Operations by kind, in the order in which they are sent. */
const PHASES = [
  "delete elements",
  "flush chains",
  "delete chains",
  "delete sets",
  "add sets",
  "add chains",
  "add rules",
  "add data",
  "add verdicts",
] as const;

/**
 * Operations for `delta`, in an order that satisfies the kernel's checks: nothing is deleted that something refers to,
 * nothing referred to that is not there. A changed element is deleted and added, a changed chain flushed and filled. The
 * kernel applies all at once.
 */
export function elementOperations(delta: Delta, containers: ReadonlyMap<SetPath, Container>): Transaction {
  const phases = Object.fromEntries(PHASES.map((phase) => [phase, [] as Operation[]])) as Phases;
  let set: SetPath | undefined;
  let noun: ReturnType<typeof objectNoun>;
  for (const change of delta) {
    if (change.set !== set) noun = objectNoun(set = change.set);
    if (noun === "chain") changeChain(phases, change);
    else if (noun === "set") changeSet(phases, change);
    else changeElement(phases, change, containers);
  }
  return PHASES.flatMap((phase) => phases[phase]);
}

type Phases = Record<(typeof PHASES)[number], Operation[]>;

function changeElement(
  phases: Phases,
  { set, before, after }: ElementChange,
  containers: ReadonlyMap<SetPath, Container>,
): void {
  const container = containers.get(set);
  assert(container !== undefined, `${set} is not a set of the skeleton`);
  const leads = container.kind === "map" && container.value === "verdict";
  const one = { noun: "element", set, container } as const;
  if (before) phases["delete elements"].push({ verb: "delete", ...one, element: before });
  if (after) phases[leads ? "add verdicts" : "add data"].push({ verb: "add", ...one, element: after });
}

function changeChain(phases: Phases, { set, key, before, after }: ElementChange): void {
  const { family, table } = splitSetPath(set);
  const place = { family, table } as const;
  const named = { noun: "chain", ...place, name: key as string } as const;
  if (before && before.value !== "") phases["flush chains"].push({ verb: "flush", ...named });
  if (after === undefined) phases["delete chains"].push({ verb: "delete", ...named });
  else if (before === undefined) {
    phases["add chains"].push({ verb: "add", noun: "chain", ...place, chain: { name: key } });
  }
  const rules = (after as ObjectElement | undefined)?.definition as Chain | undefined;
  for (const rule of rules?.rules ?? []) {
    phases["add rules"].push({ verb: "add", noun: "rule", ...place, chain: key, rule });
  }
}

function changeSet(phases: Phases, { set, key, before, after }: ElementChange): void {
  const { family, table } = splitSetPath(set);
  const place = { noun: "set", family, table } as const;
  if (before) phases["delete sets"].push({ verb: "delete", ...place, kind: "set", name: key });
  const definition = (after as ObjectElement | undefined)?.definition as SetDefinition | undefined;
  if (definition) phases["add sets"].push({ verb: "add", ...place, set: definition });
}
