// What a commit leaves in the ledger: its changes and the record that caused each, and what the kernel said.

import { COMMIT_CHANGES_MAX } from "../limits.ts";
import type { CommitReceipt } from "../kernel/kernel.ts";
import type { CommitRecord, CommittedChange } from "../ledger/record.ts";
import type { Delta } from "../plan/delta.ts";
import { type Digest, digestText } from "../plan/digest.ts";
import { POSITION_PATH } from "../plan/position.ts";

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
  const changes = committedChanges(delta, through);
  return {
    kind: "commit",
    time,
    from,
    through,
    digest: digestText(digest),
    outcome: "committed",
    changes: changes.slice(0, COMMIT_CHANGES_MAX),
    changesOmitted: Math.max(0, changes.length - COMMIT_CHANGES_MAX),
    operations: receipt.operations,
    microseconds: receipt.microseconds,
    generation: receipt.generation,
  };
}

/** The changes of `delta` in nft's words; those without a cause are put down to record `through`. */
export function committedChanges(delta: Delta, through: number): CommittedChange[] {
  return delta.filter(({ set }) => set !== POSITION_PATH).flatMap(
    ({ set, key, before, after, cause }) => {
      const caused = { set, key, cause: cause ?? through };
      const element = (verb: "add" | "delete", { value, comment }: { value?: string; comment?: string }) => ({
        verb,
        ...caused,
        ...(value === undefined ? {} : { value }),
        ...(comment === undefined ? {} : { comment }),
      });
      return [...(before ? [element("delete", before)] : []), ...(after ? [element("add", after)] : [])];
    },
  );
}
