// The planner: from the committed elements and the desired ones to a Delta, looking only at what was touched, and from
// a Delta to operations in an order the kernel accepts.

import { assert } from "../invariant.ts";
import type { Container, ElementKey, Elements, SetPath } from "../nft/ruleset.ts";
import { sameElement } from "../nft/ruleset.ts";
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
      const [before, after] = [old?.get(key), now?.get(key)];
      if (!sameElement(before, after)) changes.push({ set, key, before, after, cause: causes.get(key)! });
    }
  }
  return changes;
}

/**
 * Operations for `delta`: all deletions, then additions of data, then of verdicts, which lead packets to that data. A
 * changed element is deleted and added. The kernel applies all at once; the order only has to satisfy its checks.
 */
export function elementOperations(delta: Delta, containers: ReadonlyMap<SetPath, Container>): Transaction {
  const deletions: Operation[] = [];
  const additions: Operation[] = [];
  const verdicts: Operation[] = [];
  for (const { set, before, after } of delta) {
    const container = containers.get(set);
    assert(container !== undefined, `${set} is not a set of the skeleton`);
    const leads = container.kind === "map" && container.value === "verdict";
    if (before) deletions.push({ verb: "delete", noun: "element", set, container, element: before });
    if (after) {
      (leads ? verdicts : additions).push({ verb: "add", noun: "element", set, container, element: after });
    }
  }
  return [...deletions, ...additions, ...verdicts];
}
