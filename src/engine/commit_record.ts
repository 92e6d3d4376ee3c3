// What a commit leaves in the ledger: its changes and the record that caused each, and what the kernel said.

import { COMMIT_CHANGES_MAX } from "../limits.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import type { CommitReceipt } from "../kernel/kernel.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { committedChanges, countCommittedChanges } from "../plan/committed_changes.ts";
import type { Delta } from "../plan/delta.ts";
import { type Digest, digestText } from "../plan/digest.ts";

/** What was committed. */
export interface Committed {
  readonly delta: Delta;
  /** Last record folded into it. */
  readonly through: number;
  /** Digest of the ruleset after it. */
  readonly digest: Digest;
}

/** The record of a commit of `delta`, whose first record is `from`. */
export function commitRecord(
  from: number,
  { delta, through, digest }: Committed,
  receipt: CommitReceipt,
  time: string,
): CommitRecord {
  // Each change but the position's is at least one entry: what is beyond those need not be put in words.
  const told = committedChanges(delta.slice(0, COMMIT_CHANGES_MAX + 1), through).slice(0, COMMIT_CHANGES_MAX);
  return {
    kind: "commit",
    time,
    from,
    through,
    digest: digestText(digest),
    fold: FOLD_VERSION,
    outcome: "committed",
    changes: told,
    changesOmitted: countCommittedChanges(delta) - told.length,
    operations: receipt.operations,
    microseconds: receipt.microseconds,
    generation: receipt.generation,
  };
}
