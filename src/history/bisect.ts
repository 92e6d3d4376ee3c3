// Where a condition about the rules stops to hold: a search over the offsets of a ledger, which folds little.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../ledger/record.ts";

/** What the search reads. */
export interface Past {
  /** The record at `offset`; undefined behind the last. */
  record(offset: number): LedgerRecord | undefined;
  /** The state after the record at `offset`; the caller may change it. */
  stateAt(offset: number): ClusterState;
}

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
export function bisect(
  past: Past,
  good: number,
  bad: number,
  holds: (state: ClusterState) => boolean,
): Flip | undefined {
  let [low, high] = [good, bad];
  while (high - low > FOLDED_IN_ORDER) {
    const middle = (low + high) >> 1;
    if (holds(past.stateAt(middle))) low = middle;
    else high = middle;
  }
  // Between the records of one commit the condition may be another than at its end; look on until a commit ends it.
  for (const flip of flips(past, low, bad, holds)) if (!flip.holds) return flip;
  for (const flip of flips(past, good, high, holds)) if (!flip.holds) return flip;
  return undefined;
}

/** Every commit behind offset `from`, up to `through`, with which `holds` changes. */
export function* flips(
  past: Past,
  from: number,
  through: number,
  holds: (state: ClusterState) => boolean,
): Generator<Flip> {
  const state = past.stateAt(from);
  let [before, now] = [holds(state), holds(state)];
  let cause = from;
  for (let offset = from + 1; offset <= through; offset++) {
    const record = past.record(offset);
    if (record === undefined) return;
    foldRecord(state, offset as Offset, record);
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
