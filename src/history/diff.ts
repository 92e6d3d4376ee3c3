// Compares two rulesets element by element: two positions of a ledger, two ledgers, or a ledger and a kernel.

import { plainElement, separated } from "../nft/objects.ts";
import type { Element, ElementKey, Elements, Ruleset, SetPath } from "../nft/ruleset.ts";
import { diff } from "../plan/delta.ts";
import { POSITION_PATH } from "../plan/position.ts";
import { type Cause, causeOf } from "./cause.ts";
import type { PastState } from "./past.ts";
import { incompleteText } from "./recorded_rules.ts";
import type { Scope } from "./scope.ts";

/** One side of a comparison. */
export interface Side {
  /** By set and key. Chains and sets of Services are among them, kept like elements (src/nft/objects.ts). */
  readonly elements: Elements;
  /** Why elements may be missing; absent where all are there. */
  readonly incomplete?: string;
  /** The record that made an element what it is, where that is known. */
  cause(set: SetPath, key: ElementKey): Cause | undefined;
  /** Its offset, where that is known: causes are read in the order of their offsets. */
  causeOffset?(set: SetPath, key: ElementKey): number | undefined;
}

/** An element that differs. */
export interface ElementDifference {
  /** The set or map it is in. */
  readonly set: SetPath;
  /** Its key within the set. */
  readonly key: ElementKey;
  /** Null where only the second side has it. */
  readonly before: Element | null;
  /** Null where only the first side has it. */
  readonly after: Element | null;
  /** Null where no record is known to have made the difference. */
  readonly cause: Cause | null;
}

/** A position of a ledger as a side. */
export function sideOfPast(past: PastState): Side {
  const { state, recorded } = past;
  return {
    elements: recorded?.elements ?? state.desired,
    cause: (set, key) => causeOf(past, set, key),
    causeOffset: (set, key) => (recorded ?? state).causes.get(set)?.get(key),
    ...(recorded?.incomplete === undefined ? {} : { incomplete: incompleteText(recorded) }),
  };
}

/** The tables that a kernel lists, as a side. A kernel stores no causes. */
export function sideOfKernel(listed: Ruleset): Side {
  return { elements: separated(listed).elements, cause: () => undefined };
}

/**
 * The elements that differ, by set and key, and are in `scope` before or after. The position, which every commit writes, does not
 * count as a difference.
 */
export function differences(before: Side, after: Side, scope: Scope = () => true): ElementDifference[] {
  const isWanted = (element: Element | undefined) => element !== undefined && scope(element);
  const changes = diff(before.elements, after.elements).filter((change) =>
    change.set !== POSITION_PATH && (isWanted(change.before) || isWanted(change.after))
  );
  const causes = causesInOrder(before, after, changes);
  return changes.map((change, i) => ({
    set: change.set,
    key: change.key,
    before: change.before === undefined ? null : plainElement(change.before),
    after: change.after === undefined ? null : plainElement(change.after),
    cause: causes[i] ?? null,
  }));
}

/**
 * The cause of each change: with the side that has the element, as a removed one is on the first side only. They are read in the order
 * of their offsets, because a ledger is read a segment at a time.
 */
function causesInOrder(
  before: Side,
  after: Side,
  changes: readonly { readonly set: SetPath; readonly key: ElementKey }[],
): (Cause | undefined)[] {
  const offsetOf = ({ set, key }: { readonly set: SetPath; readonly key: ElementKey }) =>
    after.causeOffset?.(set, key) ?? before.causeOffset?.(set, key) ?? -1;
  const causes: (Cause | undefined)[] = changes.map(() => undefined);
  const order = changes.map((change, i) => ({ i, offset: offsetOf(change) })).sort((a, b) =>
    a.offset - b.offset
  );
  for (const { i } of order) {
    const { set, key } = changes[i]!;
    causes[i] = after.cause(set, key) ?? before.cause(set, key);
  }
  return causes;
}
