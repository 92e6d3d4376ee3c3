// The planner. It compares the committed elements with the desired ones, but only the keys that records touched, and
// makes a Delta; of a Delta it makes operations in an order that the kernel accepts.

import { assert } from "../invariant.ts";
import { chainOf, objectNoun, setOf } from "../nft/objects.ts";
import {
  type Container,
  type Element,
  type ElementKey,
  type Elements,
  type ObjectElement,
  sameElement,
  type SetPath,
  splitSetPath,
} from "../nft/ruleset.ts";
import type { Operation, Transaction } from "../nft/transaction.ts";
import type { Delta, ElementChange } from "./delta.ts";

/** Keys that may differ, each with its cause: the offset of the record that touched it last. */
export type Touched = ReadonlyMap<SetPath, Pick<ReadonlyMap<ElementKey, number>, "get" | "keys">>;

/** The changes from `committed` to `desired` among the `touched` keys. Takes time for those alone. */
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
 * A chain that is not desired any more is emptied by one commit and deleted by the next. Why not delete it at once:
 * kernels before 6.2 count a verdict that the same batch deletes as a reference to the chain, and reject the batch.
 */
function retired(set: SetPath, before: Element | undefined): Element | undefined {
  if (before === undefined || objectNoun(set) !== "chain" || !hasRules(before)) return undefined;
  const { key } = before;
  const emptied: ObjectElement = { key, value: "", definition: { ...chainOf(before), name: key, rules: [] } };
  return emptied;
}

/** Whether `element` is a chain that was emptied and is deleted by the next commit. */
export function isRetired(set: SetPath, element: Element | undefined): boolean {
  return element !== undefined && objectNoun(set) === "chain" && !hasRules(element);
}

/** Whether `chain` has rules: its value is their text. */
function hasRules(chain: Element): boolean {
  return chain.value !== "";
}

/**
 * Operations for `delta`, in an order that passes the kernel's checks: nothing is deleted while something refers to it,
 * and nothing is referred to before it exists. A changed element is deleted and added, a changed chain flushed and
 * filled; packets see no state in between, as the kernel applies the batch atomically.
 */
export function elementOperations(delta: Delta, containers: ReadonlyMap<SetPath, Container>): Transaction {
  const phases = noOperations();
  let at = 0;
  while (at < delta.length) {
    const { set } = delta[at]!;
    let end = at + 1;
    while (end < delta.length && delta[end]!.set === set) end++;
    changeAll(phases, set, delta.slice(at, end), containers);
    at = end;
  }
  const [first, ...others] = Object.values(phases);
  return first!.concat(...others);
}

/** Makes the operations of `changes`, all of which are of `set`. A first sync has 150,000. */
function changeAll(
  phases: Phases,
  set: SetPath,
  changes: Delta,
  containers: ReadonlyMap<SetPath, Container>,
): void {
  const noun = objectNoun(set);
  if (noun === undefined) return changeElements(phases, set, changes, containers);
  for (const change of changes) (noun === "chain" ? changeChain : changeSet)(phases, change);
}

/** Operations by kind. */
type Phases = ReturnType<typeof noOperations>;

/**
 * The kinds in the order in which they are sent. A reference is deleted before what it refers to, and added after it: rules
 * name sets and chains, verdicts name chains.
 */
function noOperations() {
  const none = (): Operation[] => [];
  return {
    "delete elements": none(),
    "flush chains": none(),
    "delete chains": none(),
    "delete sets": none(),
    "add sets": none(),
    "add chains": none(),
    "add rules": none(),
    "add data": none(),
    "add verdicts": none(),
  };
}

function changeElements(
  phases: Phases,
  set: SetPath,
  changes: Delta,
  containers: ReadonlyMap<SetPath, Container>,
): void {
  const container = containers.get(set);
  assert(container !== undefined, `${set} is not a set of the skeleton`);
  const leads = container.kind === "map" && container.value === "verdict";
  const [gone, come] = [phases["delete elements"], phases[leads ? "add verdicts" : "add data"]];
  for (const { before, after } of changes) {
    if (before) gone.push({ verb: "delete", noun: "element", set, container, element: before });
    if (after) come.push({ verb: "add", noun: "element", set, container, element: after });
  }
}

function changeChain(phases: Phases, { set, key, before, after }: ElementChange): void {
  const { family, table } = splitSetPath(set);
  const place = { family, table } as const;
  const named = { noun: "chain", ...place, name: key } as const;
  if (before && hasRules(before)) phases["flush chains"].push({ verb: "flush", ...named });
  if (after === undefined) phases["delete chains"].push({ verb: "delete", ...named });
  else if (before === undefined) {
    phases["add chains"].push({ verb: "add", noun: "chain", ...place, chain: { name: key } });
  }
  for (const rule of chainOf(after)?.rules ?? []) {
    phases["add rules"].push({ verb: "add", noun: "rule", ...place, chain: key, rule });
  }
}

function changeSet(phases: Phases, { set, key, before, after }: ElementChange): void {
  const { family, table } = splitSetPath(set);
  const place = { noun: "set", family, table } as const;
  if (before) phases["delete sets"].push({ verb: "delete", ...place, kind: "set", name: key });
  const definition = setOf(after);
  if (definition) phases["add sets"].push({ verb: "add", ...place, set: definition });
}
