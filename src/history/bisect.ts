// Finds the commit with which a condition about the rules starts or stops holding. The search halves the range of offsets,
// so it folds few of a ledger's records.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { type Past, stateAt } from "./past.ts";

/** A condition about the rules of a state. */
export type Condition = (state: ClusterState) => boolean;

/** A commit with which a condition started or stopped holding. */
export interface Flip {
  /** Offset of the commit's record. */
  readonly commit: number;
  readonly record: CommitRecord;
  /** Offset of the record, among those that the commit folded, with which the condition changed. */
  readonly cause: number;
  /** Whether the condition holds from here on. */
  readonly holds: boolean;
}

/** In a range of fewer records it is quicker to fold each than to halve the range again: each half loads a snapshot. */
const FOLDED_IN_ORDER = 1000;

/**
 * The first commit after offset `good` with which `holds` becomes false. `holds` must be true at `good` and false at `bad`.
 * Where it changes more than once in between, the result is one of those commits, as with `git bisect`. Undefined where no
 * commit brought the change to the kernel.
 */
export function bisect(past: Past, good: number, bad: number, holds: Condition): Flip | undefined {
  let [low, high] = [good, bad];
  while (high - low > FOLDED_IN_ORDER) {
    const middle = (low + high) >> 1;
    if (holds(stateAt(past, middle).state)) low = middle;
    else high = middle;
  }
  // `low` and `high` may lie between the records of one commit, where the condition differs from what the commit made.
  // So the search goes on up to `bad`, and then from `good`, for a commit that ends the condition.
  for (const flip of flips(past, low, bad, holds)) if (!flip.holds) return flip;
  for (const flip of flips(past, good, high, holds)) if (!flip.holds) return flip;
  return undefined;
}

/** Every commit after offset `from`, up to `through`, with which `holds` changes. */
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
