// The state at a position: the newest snapshot before it, and the records behind that snapshot folded into it.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import type { LedgerView } from "../ledger/ledger_view.ts";
import type { Placed } from "../ledger/reader.ts";

/** The ledger that questions are asked of. */
export type Past = LedgerView<SnapshotLine>;

/** The record at an offset, where it is kept. */
export type Lookup = (offset: number) => Placed | undefined;

/** A position that is no position, or that the ledger does not reach; the message says where the ledger ends or begins. */
export class WrongPosition extends Error {
  /** For programs that cannot use instanceof. */
  override readonly name = "WrongPosition";
}

/** Whether `error` says that a position is wrong. */
export function isWrongPosition(error: unknown): error is WrongPosition {
  return error instanceof WrongPosition;
}

/** The state after one record, and the records that made it so. */
export interface PastState {
  /** The caller may fold more records into it. */
  readonly state: ClusterState;
  readonly lookup: Lookup;
}

/** The state after the record at offset `through`. Throws {@link WrongPosition} where its beginning is not kept. */
export function stateAt(past: Past, through: number): PastState {
  const state = stateBefore(past, through);
  const counted = past.progress("records read from the ledger");
  for (const { offset, record } of past.records(state.folded + 1)) {
    if (offset > through) break;
    foldRecord(state, offset, record);
    counted(offset + 1);
  }
  return { state, lookup: past.lookup() };
}

/** The state from which the one at offset `through` is folded. Throws {@link WrongPosition} as {@link stateAt} does. */
export function stateBefore(past: Past, through: number): ClusterState {
  const snapshot = past.snapshotBefore(through + 1);
  if (snapshot !== undefined) return restoredState(snapshot.lines);
  const first = past.first();
  if (first === 0) return emptyState();
  throw new WrongPosition(`${past.path}: the snapshot of what was before @${first} is gone`);
}
