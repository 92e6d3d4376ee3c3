// A stretch of a ledger replayed: from the snapshot before it to the one behind it, which must tell what it ends in. So
// stretches can be replayed side by side, and together they prove what the whole would.

import { committedChanges } from "../engine/commit_record.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import { compareSnapshot, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { newReplay, type Replayed, replayRecord } from "../history/replay.ts";
import { SYSTEM_CLOCK } from "../ingest/recording_source.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { readLedger } from "../ledger/reader.ts";
import type { CommitRecord, CommittedChange } from "../ledger/record.ts";
import { readSnapshot, snapshotName } from "../ledger/snapshot.ts";
import type { Storage } from "../ledger/storage.ts";
import { stateBefore } from "./ledger_history.ts";

/** A stretch of a ledger. */
export interface Part {
  /** Offset of its first record, which is the ledger's or behind a snapshot. */
  readonly from: number;
  readonly through: number;
  /** Whether a snapshot is behind it. */
  readonly bounded: boolean;
}

/** A commit that comes out differently. */
export interface ReplayDifference {
  readonly offset: number;
  readonly record: CommitRecord;
  readonly digest: string;
  /** What it changes now. */
  readonly changes: readonly CommittedChange[];
}

/** What came of a stretch; at most one of `difference` and `problem` is there. */
export interface PartResult {
  readonly records: number;
  readonly commits: number;
  /** Commits that come out differently, as another version of the fold made them: that is no fault of the ledger. */
  readonly otherVersions: number;
  readonly difference: ReplayDifference | null;
  /** Why the stretch proves nothing, for people. */
  readonly problem: string | null;
}

/** Replays `part` into `kernel`, at `speed` times the pace at which it happened, or as fast as it goes. */
export async function replayPart(
  storage: Storage,
  { from, through, bounded }: Part,
  kernel: Kernel,
  told: (records: number) => void,
  speed?: number,
): Promise<PartResult> {
  const run = newReplay(stateBefore(storage, from - 1));
  const wait = pace(speed);
  let [records, commits, otherVersions] = [0, 0, 0];
  for (const { offset, record } of readLedger(storage, from)) {
    if (offset > through) break;
    if (wait !== undefined) await wait(record.time);
    const made = replayRecord(run, offset, record);
    told(++records);
    if (made === undefined) continue;
    kernel.commit(made.transaction);
    commits++;
    if (made.digest === made.record.digest) continue;
    if (made.record.fold !== FOLD_VERSION) otherVersions++;
    else return { records, commits, otherVersions, difference: differenceOf(made), problem: null };
  }
  const problem = bounded ? snapshotProblem(storage, run.state, through + 1) : null;
  return { records, commits, otherVersions, difference: null, problem };
}

/** Waits until a record is due, counted from the first. */
function pace(speed: number | undefined): ((time: string) => Promise<void>) | undefined {
  if (speed === undefined) return undefined;
  const start = SYSTEM_CLOCK.now();
  let first: number | undefined;
  return async (time) => {
    first ??= Date.parse(time);
    const due = start + (Date.parse(time) - first) / speed;
    const early = due - SYSTEM_CLOCK.now();
    if (early > 0) await SYSTEM_CLOCK.sleep(early, new AbortController().signal);
  };
}

function differenceOf({ offset, record, digest, delta }: Replayed): ReplayDifference {
  return { offset, record, digest, changes: committedChanges(delta, record.through) };
}

function snapshotProblem(
  storage: Storage,
  state: ClusterState,
  next: number,
): string | null {
  const name = snapshotName(next);
  const snapshot = readSnapshot<SnapshotLine>(storage, name, snapshotMisfit);
  if (typeof snapshot === "string") return `${storage.path}/${name}: ${snapshot}`;
  return compareSnapshot(state, snapshot.lines) === "different"
    ? `${storage.path}/${name}: it is not the state that the records before it make`
    : null;
}
