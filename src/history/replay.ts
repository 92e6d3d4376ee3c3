// Makes the commits of a ledger again: folds and plans their records, and computes the digest that each should have. Equal
// digests prove that this version of the program makes the same rules of these records as the one that wrote them.

import type { ClusterState } from "../fold/cluster_state.ts";
import { touch } from "../fold/fold_changes.ts";
import { foldRecord } from "../fold/fold.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import { CONTAINERS } from "../fold/skeleton.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import {
  canonicalKey,
  type ElementKey,
  type SetPath,
  setPath,
  splitSetPath,
  type Table,
} from "../nft/ruleset.ts";
import { createTable, type Operation, type Transaction } from "../nft/transaction.ts";
import {
  applyDelta,
  copyOf,
  type Delta,
  deltaFromNothing,
  diff,
  type MutableElements,
} from "../plan/delta.ts";
import {
  advanceDigest,
  type Digest,
  digestText,
  readDigest,
  rulesetDigest,
  tablesDigest,
} from "../plan/digest.ts";
import { countCommittedChanges } from "../plan/committed_changes.ts";
import { partOf } from "../plan/part.ts";
import { elementOperations, isRetired, plan } from "../plan/plan.ts";
import { checkCommit } from "./commit_check.ts";

/** One commit, made again. */
export interface Replayed {
  /** Offset of the commit's record. */
  readonly offset: number;
  readonly record: CommitRecord;
  /** The changes that this program makes. */
  readonly delta: Delta;
  /** The delta as operations. It begins with the deletion of tables where they are made anew. */
  readonly transaction: Transaction;
  /** Lower-case hex. It differs from the record's digest where the rules differ. */
  readonly digest: string;
  /** Whether another version of the fold made the commit: then a difference is no fault of the ledger. */
  readonly otherVersion: boolean;
  /** What of the record does not follow from the ledger, as text. */
  readonly misfits: readonly string[];
}

/** A replay in progress. Only {@link replayRecord} changes it. */
export interface Replay {
  readonly state: ClusterState;
  committed: MutableElements;
  digest: Digest;
  /** Whether the next commit makes the tables; `again`: it deletes the present ones before. */
  rebuild: "no" | "first" | "again";
  readonly touched: Map<SetPath, Map<ElementKey, number>>;
  /** Last record of the last commit; -1 before the first. */
  previous: number;
  /** Whether the kernel may hold something else than the last commit made: a record says so, or no commit was replayed. */
  unsure: boolean;
  /** Whether the last commit left changes for later, and it is not known which: then `digest` is the recorded one. */
  partial: boolean;
}

/** A replay from `state`: the empty one, or that of a snapshot, whose rules count as committed. */
export function newReplay(state: ClusterState): Replay {
  const begins = state.folded < 0;
  return {
    state,
    committed: begins ? new Map() : copyOf(state.desired),
    digest: begins ? tablesDigest(state.tables) : rulesetDigest(state.tables, state.desired),
    rebuild: "first",
    touched: new Map(),
    previous: state.committed ?? -1,
    unsure: !begins,
    partial: false,
  };
}

/**
 * `replay`, gone on from `state`: that of a snapshot which another version of the fold wrote. The program that came after it began
 * there, so its rules have what that version chose where several rules are right.
 */
export function continuedFrom(replay: Replay, state: ClusterState): Replay {
  return { ...newReplay(state), rebuild: replay.rebuild === "first" ? "first" : "again" };
}

/**
 * Folds one record. For a commit that the kernel accepted it returns that commit, made again. `fold` may note more than the fold does.
 */
export function replayRecord(
  replay: Replay,
  offset: Offset,
  record: LedgerRecord,
  fold: typeof foldRecord = foldRecord,
): Replayed | undefined {
  const made = record.kind === "commit" && record.outcome === "committed"
    ? commitAgain(replay, offset, record)
    : undefined;
  if (record.kind === "drift" || isMissing(record) || (record.kind === "commit" && made === undefined)) {
    replay.unsure = true;
  }
  const { tables } = replay.state;
  const { touched } = fold(replay.state, offset, record);
  if (replay.state.tables !== tables && replay.rebuild === "no") replay.rebuild = "again";
  for (const [set, keys] of touched) {
    for (const [key, cause] of keys) touch(replay.touched, set, key, cause);
  }
  return made;
}

/** Whether `record` says that records, or what the kernel held, are not known. */
function isMissing(record: LedgerRecord): boolean {
  return record.kind === "gap" && record.checkpoint === undefined;
}

function commitAgain(replay: Replay, offset: number, record: CommitRecord): Replayed {
  const { state, rebuild, touched, previous, unsure } = replay;
  const anew = rebuild !== "no";
  const all = anew ? deltaFromNothing(state.desired) : plan(replay.committed, state.desired, touched);
  const delta = record.left ? partAgain(all, record) : all;
  const transaction = [
    ...(rebuild === "again" ? state.tables.map(deletion) : []),
    ...(anew ? state.tables.flatMap(createTable) : []),
    ...elementOperations(delta, CONTAINERS),
  ];
  replay.digest = advanceDigest(anew ? tablesDigest(state.tables) : replay.digest, delta);
  if (anew) replay.committed = new Map();
  applyDelta(replay.committed, delta);
  const otherVersion = record.fold !== FOLD_VERSION;
  const basis = { state, planned: anew && !record.left ? undefined : delta, previous, unsure };
  const { plain, misfits } = otherVersion ? { plain: false, misfits: [] } : checkCommit(record, basis);
  // A start with another version plans from what the kernel holds.
  const partUnknown = record.left !== undefined && record.left > 0 && (unsure || !plain);
  replay.unsure = otherVersion || (unsure && plain) || partUnknown;
  replay.previous = record.through;
  replay.rebuild = "no";
  if (record.left) keepLeft(replay, delta, anew);
  else touched.clear();
  // What the kernel holds after a part is known where it was known before it. Else the commit of the last part shows it.
  // A crash may have lost the record of that one.
  if (partUnknown) replay.digest = readDigest(record.digest);
  else if ((!plain || replay.partial) && !otherVersion) adoptDesired(replay, record);
  replay.partial = partUnknown;
  for (const { set, key, after } of plain || otherVersion ? delta : []) {
    if (isRetired(set, after)) touch(touched, set, key, record.through);
  }
  const { digest } = replay;
  return { offset, record, delta, transaction, digest: digestText(digest), otherVersion, misfits };
}

/**
 * The commit was made from what the kernel held, which the ledger does not say. After it the kernel holds the desired rules, and
 * the chains that the commit emptied so that the next one can delete them.
 */
function adoptDesired(replay: Replay, { changes, through }: CommitRecord): void {
  const { state, touched } = replay;
  replay.committed = copyOf(state.desired);
  for (const change of changes) {
    const { family, table, name } = splitSetPath(change.set);
    const [set, key] = [setPath(family, table, name), canonicalKey(change.key)];
    const emptied = { key, value: "", definition: { name: key, rules: [] } };
    if (change.verb !== "add" || !isRetired(set, { key, value: change.value ?? "-" })) continue;
    if (replay.committed.get(set)?.has(key)) continue;
    replay.committed.get(set)?.put(emptied);
    touch(touched, set, key, through);
  }
  replay.digest = rulesetDigest(state.tables, replay.committed);
}

/** The part of `all` that a commit brought which left changes for later: as many as its record counts. */
function partAgain(all: Delta, { changes, changesOmitted }: CommitRecord): Delta {
  const count = changes.length + changesOmitted;
  return count === 0 ? [] : partOf(all, count, countCommittedChanges).delta;
}

/** Removes from the touched keys what `delta` has committed. */
function keepLeft({ touched, committed, state }: Replay, delta: Delta, anew: boolean): void {
  for (const { set, key } of delta) touched.get(set)?.delete(key);
  if (!anew) return;
  for (const { set, key, cause } of diff(committed, state.desired, state.causes)) {
    touch(touched, set, key, cause ?? state.folded);
  }
}

function deletion({ family, name }: Table): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}
