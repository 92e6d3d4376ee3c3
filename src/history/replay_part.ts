// Replays a part of a ledger: from the snapshot before it to the snapshot after it. The state at its end must be that of the
// snapshot after it. So parts can be replayed side by side, and together they prove what a replay of the whole would.

import type { ClusterState } from "../fold/cluster_state.ts";
import type { foldRecord } from "../fold/fold.ts";
import { compareSnapshot, isOfAnotherFold, restoredState } from "../fold/snapshot.ts";
import { InvariantError } from "../invariant.ts";
import type { CommitRecord, CommittedChange, LedgerRecord, Offset } from "../ledger/record.ts";
import type { Transaction } from "../nft/transaction.ts";
import { committedChanges } from "../plan/committed_changes.ts";
import { type Past, stateBefore } from "./past.ts";
import { continuedFrom, newReplay, type Replay, type Replayed, replayRecord } from "./replay.ts";

/** A range of records. */
export interface Part {
  /** Offset of its first record: the first of the ledger, or the first after a snapshot. */
  readonly from: number;
  readonly through: number;
  /** Whether a snapshot follows it. */
  readonly bounded: boolean;
}

/** A commit that differs when it is made again. */
export interface ReplayDifference {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** The commit as it was written. */
  readonly record: CommitRecord;
  /** The digest of the rules as this program makes them, 64 hex digits. */
  readonly digest: string;
  /** The changes that this program makes. */
  readonly changes: readonly CommittedChange[];
  /** What differs beside the digest, as text. */
  readonly misfits: readonly string[];
}

/** The result of a part. At most one of `difference` and `problem` is not null. */
export interface ReplayResult {
  /** How many records were folded. */
  readonly records: number;
  /** How many of them were commits that the kernel accepted. */
  readonly commits: number;
  /** Commits that differ because another version of the fold made them. The ledger is not at fault. */
  readonly otherVersions: number;
  /** The first commit that differs; the replay ends there. */
  readonly difference: ReplayDifference | null;
  /** Why the part proves nothing, as text. */
  readonly problem: string | null;
}

/** One step of a replay. */
export interface ReplayStep {
  /** Its offset. */
  readonly offset: number;
  /** The record that was folded. */
  readonly record: LedgerRecord;
  /** The commit again, for a kernel; undefined for every other record. */
  readonly transaction: Transaction | undefined;
}

/** With fewer segments one process is as fast as several. */
const SEGMENTS_MIN = 4;

/** Cuts `past` up to `through` into at most `most` parts of about the same length, which begin after snapshots. */
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

/**
 * Replays a part, and ends at the first difference. The caller may commit the transactions to a kernel; where it passes to `next`
 * why the kernel rejected the last one, the replay ends too.
 */
export function* replayPart(
  past: Past,
  { from, through, bounded }: Part,
): Generator<ReplayStep, ReplayResult, string | undefined> {
  let run = newReplay(stateBefore(past, from - 1));
  let [records, commits, otherVersions] = [0, 0, 0];
  let otherFold = false;
  const snapshots = new Set<number>(past.snapshots());
  for (const { offset, record } of past.records(run.state.folded + 1, through)) {
    if (otherFold && snapshots.has(offset)) run = beyondSnapshot(past, run, offset);
    if (offset !== run.state.folded + 1) throw past.overtaken();
    const made = tryReplay(run, offset, record);
    if (typeof made === "string") return { records, commits, otherVersions, difference: null, problem: made };
    records++;
    const rejected = yield { offset, record, transaction: made?.transaction };
    if (rejected !== undefined) {
      return { records, commits, otherVersions, difference: null, problem: rejected };
    }
    if (made !== undefined) {
      commits++;
      otherFold = made.otherVersion;
    }
    if (made === undefined || (made.digest === made.record.digest && made.misfits.length === 0)) continue;
    if (made.otherVersion) otherVersions++;
    else return { records, commits, otherVersions, difference: differenceOf(made), problem: null };
  }
  const cut = bounded || through !== Infinity ? undefined : past.cut();
  const problem = bounded
    ? snapshotProblem(past, run.state, through + 1)
    : cut === undefined
    ? null
    : cut.text;
  return { records, commits, otherVersions, difference: null, problem };
}

/** As replayRecord. Where no program can have written such a record behind the others, returns why. */
export function tryReplay(
  run: Replay,
  offset: Offset,
  record: LedgerRecord,
  fold?: typeof foldRecord,
): Replayed | undefined | string {
  try {
    return replayRecord(run, offset, record, fold);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    return `@${offset}: no ledger can have this record here: ${error.message}`;
  }
}

/** Joins the results of all parts, in order, into that of the whole. The first part that differs counts. */
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

function differenceOf({ offset, record, digest, delta, misfits }: Replayed): ReplayDifference {
  return { offset, record, digest, changes: committedChanges(delta, record.through), misfits };
}

/** `run` behind the snapshot at `next`. */
function beyondSnapshot(past: Past, run: Replay, next: number): Replay {
  const snapshot = past.snapshot(next);
  if (typeof snapshot === "string" || !isOfAnotherFold(snapshot.lines)) return run;
  return continuedFrom(run, restoredState(snapshot.lines));
}

function snapshotProblem(past: Past, state: ClusterState, next: number): string | null {
  const snapshot = past.snapshot(next);
  const name = `${past.path}/${past.snapshotName(next)}`;
  if (typeof snapshot === "string") return `${name}: ${snapshot}`;
  return compareSnapshot(state, snapshot.lines) === "different"
    ? `${name}: it is not the state that the records before it make`
    : null;
}
