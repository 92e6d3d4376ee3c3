// A stretch of a ledger replayed: from the snapshot before it to the one behind it, which must be the state that it ends
// in. So stretches can be replayed side by side, and together they prove what the whole would.

import type { ClusterState } from "../fold/cluster_state.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import { compareSnapshot } from "../fold/snapshot.ts";
import type { CommitRecord, CommittedChange, LedgerRecord } from "../ledger/record.ts";
import type { Transaction } from "../nft/transaction.ts";
import { committedChanges } from "../plan/committed_changes.ts";
import { type Past, stateBefore } from "./past.ts";
import { newReplay, type Replayed, replayRecord } from "./replay.ts";

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
  /** Offset of the commit's record. */
  readonly offset: number;
  /** The commit as it was written. */
  readonly record: CommitRecord;
  /** Of the ruleset as it is now, 64 hex digits. */
  readonly digest: string;
  /** What it changes now. */
  readonly changes: readonly CommittedChange[];
}

/** What came of a stretch; at most one of `difference` and `problem` is there. */
export interface ReplayResult {
  /** How many were folded. */
  readonly records: number;
  /** How many of them were commits that the kernel took. */
  readonly commits: number;
  /** Commits that come out differently because another version of the fold made them: that is no fault of the ledger. */
  readonly otherVersions: number;
  /** The first commit that comes out differently; no later one is replayed. */
  readonly difference: ReplayDifference | null;
  /** Why the stretch proves nothing, for people. */
  readonly problem: string | null;
}

/** One record of a replay. */
export interface ReplayStep {
  /** The record itself. */
  readonly record: LedgerRecord;
  /** For a kernel, where the record is a commit that the kernel took. */
  readonly transaction: Transaction | undefined;
}

/** Below this many segments one process is as fast. */
const SEGMENTS_MIN = 4;

/** `past` up to `through` in at most `most` stretches of about the same length, which begin behind snapshots. */
export function partsOf(past: Past, through: number, most: number): Part[] {
  const segments = past.segments().filter((first) => first <= through);
  const snapshots = new Set<number>(past.snapshots());
  const wanted = segments.length < SEGMENTS_MIN ? 1 : most;
  const starts = [segments[0]!];
  for (let part = 1; part < wanted; part++) {
    const first = segments[Math.floor(part * segments.length / wanted)]!;
    if (snapshots.has(first) && first > starts.at(-1)!) starts.push(first);
  }
  return starts.map((from, i) => {
    const next = starts[i + 1];
    return { from, through: next === undefined ? through : next - 1, bounded: next !== undefined };
  });
}

/** Replays `part`; ends at the first difference. Who wants to see the rules commits the transactions as they come. */
export function* replayPart(
  past: Past,
  { from, through, bounded }: Part,
): Generator<ReplayStep, ReplayResult> {
  const run = newReplay(stateBefore(past, from - 1));
  let [records, commits, otherVersions] = [0, 0, 0];
  for (const { offset, record } of past.records(from)) {
    if (offset > through) break;
    const made = replayRecord(run, offset, record);
    records++;
    if (made !== undefined) commits++;
    yield { record, transaction: made?.transaction };
    if (made === undefined || made.digest === made.record.digest) continue;
    if (made.record.fold !== FOLD_VERSION) otherVersions++;
    else return { records, commits, otherVersions, difference: differenceOf(made), problem: null };
  }
  const problem = bounded ? snapshotProblem(past, run.state, through + 1) : null;
  return { records, commits, otherVersions, difference: null, problem };
}

/** The results of all parts as that of the whole; of several that differ the first counts. */
export function joinResults(results: readonly ReplayResult[]): ReplayResult {
  const sum = (count: (result: ReplayResult) => number) => results.map(count).reduce((a, b) => a + b, 0);
  const first = results.find(({ difference, problem }) => difference !== null || problem !== null);
  return {
    records: sum(({ records }) => records),
    commits: sum(({ commits }) => commits),
    otherVersions: sum(({ otherVersions }) => otherVersions),
    difference: first?.difference ?? null,
    problem: first?.problem ?? null,
  };
}

function differenceOf({ offset, record, digest, delta }: Replayed): ReplayDifference {
  return { offset, record, digest, changes: committedChanges(delta, record.through) };
}

function snapshotProblem(past: Past, state: ClusterState, next: number): string | null {
  const snapshot = past.snapshot(next);
  const name = `${past.path}/${past.snapshotName(next)}`;
  if (typeof snapshot === "string") return `${name}: ${snapshot}`;
  return compareSnapshot(state, snapshot.lines) === "different"
    ? `${name}: it is not the state that the records before it make`
    : null;
}
