// The record of a commit: what it changed, with the cause of each change, and the kernel's answer.

import { COMMIT_CHANGES_MAX, COMMIT_OLDER_CHANGES_MAX } from "../limits/ledger.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import type { CommitReceipt } from "../kernel/kernel.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { committedChanges, countCommittedChanges } from "../plan/committed_changes.ts";
import type { Delta, ElementChange } from "../plan/delta.ts";
import { type Digest, digestText } from "../plan/digest.ts";

/** What a commit brought, or was to bring. */
export interface Committed {
  readonly delta: Delta;
  /** Last record folded into it. */
  readonly through: number;
  /** Digest of the ruleset after it. */
  readonly digest: Digest;
  /** Whether a step of large Services' rules follows it. */
  readonly advances?: boolean;
  /** How many changes were left for later: they were too many, or the kernel refused a larger batch. */
  readonly left?: number;
}

/** The changes that a record lists: those of its own records, and some of those that earlier records caused. */
function listedChanges(delta: Delta, from: number): Delta {
  const listed: ElementChange[] = [];
  let older = 0;
  for (const change of delta) {
    // Each change but the position's makes at least one entry, so later ones cannot be within the bound.
    if (listed.length > COMMIT_CHANGES_MAX) break;
    const own = change.cause === undefined || change.cause >= from;
    if (own || older++ < COMMIT_OLDER_CHANGES_MAX) listed.push(change);
  }
  return listed;
}

/**
 * The record of a commit of `delta`, whose first record is `from`. The fields are in the order of the ledger's JSON, which saves
 * sorting them.
 */
export function commitRecord(
  from: number,
  { delta, through, digest, advances, left }: Committed,
  receipt: CommitReceipt,
  time: string,
): CommitRecord {
  const changes = committedChanges(listedChanges(delta, from), through).slice(0, COMMIT_CHANGES_MAX);
  return {
    ...(advances ? { advances } : {}),
    changes,
    changesOmitted: countCommittedChanges(delta) - changes.length,
    digest: digestText(digest),
    fold: FOLD_VERSION,
    from,
    generation: receipt.generation,
    kind: "commit",
    ...(left ? { left } : {}),
    microseconds: receipt.microseconds,
    operations: receipt.operations,
    outcome: "committed",
    through,
    time,
  };
}
