// Makes the state at a position: loads the newest snapshot before it, and folds the records after that snapshot.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { noChanges } from "../fold/fold_changes.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import type { LedgerView } from "../ledger/ledger_view.ts";
import type { Placed } from "../ledger/reader.ts";

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

/** The state after one record, and the records that it was folded from. */
export interface PastState {
  /** The caller may fold more records into it. */
  readonly state: ClusterState;
  readonly lookup: Lookup;
}

/** The state after the record at offset `through`. Throws {@link WrongPosition} where no snapshot or beginning is kept. */
export function stateAt(past: Past, through: number): PastState {
  const state = stateBefore(past, through);
  const counted = past.progress("records read from the ledger");
  // One value for all records: making one for each costs a twentieth of the fold.
  const ignored = noChanges();
  for (const { offset, record } of past.records(state.folded + 1)) {
    if (offset > through) break;
    foldRecord(state, offset, record, ignored);
    counted(offset + 1);
  }
  return { state, lookup: past.lookup() };
}

/** The state that {@link stateAt} begins with: of the newest snapshot, or empty. Throws {@link WrongPosition} as it does. */
export function stateBefore(past: Past, through: number): ClusterState {
  const snapshot = past.snapshotBefore(through + 1);
  if (snapshot !== undefined) return restoredState(snapshot.lines);
  const first = past.first();
  if (first === 0) return emptyState();
  throw new WrongPosition(`${past.path}: the snapshot of what was before @${first} is gone`);
}
