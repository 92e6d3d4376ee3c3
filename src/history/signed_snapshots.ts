// Compares the files of snapshots with what checkpoints signed. A snapshot whose records are kept follows from them. That of the oldest
// record is all that is left of what retention removed: where no checkpoint signs it, a program may have written it anew.

import type { CheckpointChain } from "../ledger/checkpoint_chain.ts";
import type { Past } from "./past.ts";

/** What is wrong with the snapshots of `past`, and what of them is not signed. */
export interface SnapshotFindings {
  readonly problems: readonly string[];
  /** The snapshot before the oldest record, where it is not signed. */
  readonly unsigned: string | undefined;
}

/** Compares each snapshot with `checkpoints`, which took all records from `first` on. */
export function snapshotFindings(past: Past, checkpoints: CheckpointChain, first: number): SnapshotFindings {
  const problems: string[] = [];
  let unsigned: string | undefined;
  for (const next of past.snapshots()) {
    const hash = next < first ? undefined : past.snapshotHash(next);
    const fault = hash === undefined ? undefined : checkpoints.snapshotFault(next, hash);
    if (fault === undefined) continue;
    const name = past.snapshotName(next);
    const isOldest = next === first && first > 0;
    if (fault !== "unsigned") {
      problems.push(
        `${name}: ${fault}${isOldest ? `; what it says of the time before @${first} cannot be trusted` : ""}`,
      );
    } else if (isOldest) {
      unsigned =
        `${name}: no checkpoint signs it, so nothing proves what it says of the time before @${first}`;
    }
  }
  return { problems, unsigned };
}
