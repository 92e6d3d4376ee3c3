// The record of a commit: what it changed, with the cause of each change, and the kernel's answer.

import { COMMIT_CHANGES_MAX } from "../limits.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import type { CommitReceipt } from "../kernel/kernel.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { committedChanges, countCommittedChanges } from "../plan/committed_changes.ts";
import type { Delta } from "../plan/delta.ts";
import { type Digest, digestText } from "../plan/digest.ts";

/** What a commit brought, or was to bring. */
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
  // Each change but the position's makes at least one entry, so later ones cannot be within the bound.
  const changes = committedChanges(delta.slice(0, COMMIT_CHANGES_MAX + 1), through).slice(
    0,
    COMMIT_CHANGES_MAX,
  );
  return {
    kind: "commit",
    time,
    from,
    through,
    digest: digestText(digest),
    fold: FOLD_VERSION,
    outcome: "committed",
    changes,
    changesOmitted: countCommittedChanges(delta) - changes.length,
    operations: receipt.operations,
    microseconds: receipt.microseconds,
    generation: receipt.generation,
  };
}
