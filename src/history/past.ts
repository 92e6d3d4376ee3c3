// Makes the state at a position: loads the newest snapshot before it, and folds the records after that snapshot.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { noChanges } from "../fold/fold_changes.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import type { LedgerView } from "../ledger/ledger_view.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import type { Element, ElementKey, SetPath, Table } from "../nft/ruleset.ts";

/** A ledger, for questions. */
export type Past = LedgerView<SnapshotLine>;

/** Finds the record at an offset; undefined where retention has removed it. */
export type Lookup = (offset: number) => Placed | undefined;

/** A position that cannot be parsed or is outside the ledger. The message says where the ledger begins or ends. */
export class WrongPosition extends Error {
  /** For programs that cannot use instanceof. */
  override readonly name = "WrongPosition";
}

/** Whether `error` says that a position is wrong. */
export function isWrongPosition(error: unknown): error is WrongPosition {
  return error instanceof WrongPosition;
}

/** The ledger does not hold what a question asks for. The message says what is missing. */
export class NotRecorded extends Error {
  /** For programs that cannot use instanceof. */
  override readonly name = "NotRecorded";
}

/** Whether `error` says that the ledger does not hold what was asked for. */
export function isNotRecorded(error: unknown): error is NotRecorded {
  return error instanceof NotRecorded;
}

/** The rules after a commit, as far as commit records hold them. */
export interface RecordedRules {
  /** The commit, which another version of the fold made. */
  readonly commit: Placed & { readonly record: CommitRecord };
  /** The recorded elements, by set and key. */
  readonly elements: Map<SetPath, Map<ElementKey, Element>>;
  /** The record that made each of them what it is. */
  readonly causes: Map<SetPath, Map<ElementKey, number>>;
  /** Why elements may be missing; undefined where all are there. */
  readonly incomplete: string | undefined;
  /** The chains and sets, where the digest shows that they are those of this version; ledgers do not hold them. */
  readonly tables: readonly Table[] | undefined;
}

/** The state after one record, and the records that it was folded from. */
export interface PastState {
  /** The caller may fold more records into it. */
  readonly state: ClusterState;
  readonly lookup: Lookup;
  /** The rules as recorded, where another version of the fold made other ones than `state` has. */
  readonly recorded?: RecordedRules;
}

/** The state after the record at offset `through`. Throws {@link WrongPosition} where no snapshot or beginning is kept. */
export function stateAt(past: Past, through: number): PastState {
  const state = stateBefore(past, through);
  let next = state.folded + 1;
  const counted = past.progress("records read from the ledger");
  // One value for all records: making one for each costs a twentieth of the fold.
  const ignored = noChanges(false);
  if (state.folded === through) return { state, lookup: past.lookup() };
  for (const { offset, record } of past.recordsToFold(state.folded + 1, through)) {
    if (offset !== next++) throw past.overtaken();
    foldRecord(state, offset, record, ignored);
    counted(offset + 1);
  }
  return { state, lookup: past.lookup() };
}

/** The node in the newest configuration of `past`; undefined where no record names it. */
export function nodeOfPast(past: Past): string | undefined {
  for (const { record } of past.newestFirst({ kind: "config" })) {
    if (record.kind === "config" && record.nodeName !== "") return record.nodeName;
  }
  return undefined;
}

/** The state that {@link stateAt} begins with: of the newest snapshot, or empty. Throws {@link WrongPosition} as it does. */
export function stateBefore(past: Past, through: number): ClusterState {
  const snapshot = past.snapshotBefore(through + 1);
  const first = past.first();
  // A crash in the middle of retention may have left a snapshot whose records are gone.
  if (snapshot !== undefined && snapshot.next >= first) return restoredState(snapshot.lines);
  if (first === 0) return emptyState();
  throw new WrongPosition(`${past.path}: the snapshot of what was before @${first} is gone`);
}
