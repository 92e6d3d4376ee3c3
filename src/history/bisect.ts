// With which commit a condition about the rules begins or stops to hold: a search over the offsets of a ledger that folds
// few records.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { type Past, stateAt } from "./past.ts";

/** A condition about the rules of a state. */
export type Condition = (state: ClusterState) => boolean;

/** A commit with which a condition began or stopped to hold. */
export interface Flip {
  /** Offset of the commit's record. */
  readonly commit: number;
  readonly record: CommitRecord;
  /** Offset of the record in it that did it. */
  readonly cause: number;
  /** Whether the condition holds from here on. */
  readonly holds: boolean;
}

/** Below this many records it is quicker to fold each than to look for the middle. */
const FOLDED_IN_ORDER = 1000;

/**
 * The first commit behind offset `good` with which `holds` stops to be true, where it is true at `good` and false at `bad`;
 * one of them, where it changes more than once; undefined where no commit brought that to the kernel.
 */
export function bisect(past: Past, good: number, bad: number, holds: Condition): Flip | undefined {
  let [low, high] = [good, bad];
  while (high - low > FOLDED_IN_ORDER) {
    const middle = (low + high) >> 1;
    if (holds(stateAt(past, middle).state)) low = middle;
    else high = middle;
  }
  // Between the records of one commit the condition may be another than at its end; look on until a commit ends it.
  for (const flip of flips(past, low, bad, holds)) if (!flip.holds) return flip;
  for (const flip of flips(past, good, high, holds)) if (!flip.holds) return flip;
  return undefined;
}

/** Every commit behind offset `from`, up to `through`, with which `holds` changes. */
export function* flips(past: Past, from: number, through: number, holds: Condition): Generator<Flip> {
  const { state } = stateAt(past, from);
  let [before, now] = [holds(state), holds(state)];
  let cause = from;
  for (const { offset, record } of past.records(from + 1)) {
    if (offset > through) return;
    foldRecord(state, offset, record);
    if (record.kind === "event" || record.kind === "config") {
      const after = holds(state);
      if (after !== now) cause = offset;
      now = after;
    }
    if (record.kind !== "commit" || record.outcome !== "committed" || now === before) continue;
    yield { commit: offset, record, cause, holds: now };
    before = now;
  }
}
