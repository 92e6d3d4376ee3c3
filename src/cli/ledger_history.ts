// A ledger read as a history: the state at a position, and which record made each element so.

import { type ClusterState, takeDirty } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { describeKey } from "../kube/objects.ts";
import { segmentFirst } from "../ledger/format.ts";
import { readLedger } from "../ledger/reader.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import { segmentNames } from "../ledger/segment.ts";
import { newestSnapshot } from "../ledger/snapshot.ts";
import { folderStorage, type Storage } from "../ledger/storage.ts";
import { type PositionArgument, resolvePosition } from "./position_argument.ts";
import { progress } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

/** What is believed at one moment, and which record made each element so. */
export interface Belief {
  readonly state: ClusterState;
  /** Cause of an element, by path and key. */
  readonly causes: Map<string, Cause>;
}

/** A record, for people. */
export interface Cause {
  readonly offset: number;
  readonly what: string;
  readonly time: string;
  /** Version of the object, where the API server gave one. */
  readonly resourceVersion?: string;
}

/** One record with its place. */
export interface Placed {
  readonly offset: Offset;
  readonly record: LedgerRecord;
}

/** The ledger in the folder `path`. Throws {@link UsageError} where there is none. */
export function existingLedger(path: string): Storage {
  try {
    const storage = folderStorage(path, false);
    if (segmentNames(storage).length > 0) return storage;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
  }
  throw new UsageError(`--ledger ${path}: there is no ledger (a folder with *.ndjson segments)`);
}

/** The offset that `at` means; the last one where it is left out. Throws {@link UsageError}. */
export function offsetAt(storage: Storage, at: PositionArgument = { kind: "head", back: 0 }): number {
  return resolvePosition(at, readLedger(storage));
}

/** What was believed at offset `through`. */
export function beliefAt(storage: Storage, through: number): Belief {
  const belief = beliefAtBeginning(storage);
  const told = progress("records read from the ledger");
  for (const { offset, record } of readLedger(storage)) {
    if (offset > through) break;
    note(belief, offset, record);
    told(offset + 1);
  }
  return belief;
}

/** What the oldest record that is kept found: nothing, or what a snapshot tells. */
function beliefAtBeginning(storage: Storage): Belief {
  const first = segmentFirst(segmentNames(storage)[0]!)!;
  const lines = first === 0 ? [] : newestSnapshot<SnapshotLine>(storage, first)?.lines ?? [];
  const state = restoredState(lines);
  const before = { offset: first - 1, what: "a snapshot", time: "" };
  const causes = new Map<string, Cause>();
  for (const [path, keys] of takeDirty(state)) {
    for (const key of keys.keys()) causes.set(`${path} ${key}`, before);
  }
  return { state, causes };
}

/** Folds one record into `belief`. */
export function note({ state, causes }: Belief, offset: Offset, record: LedgerRecord): void {
  foldRecord(state, offset, record);
  const cause = {
    offset,
    what: describeRecord(record),
    time: record.time,
    ...(record.kind === "event" && record.resourceVersion !== ""
      ? { resourceVersion: record.resourceVersion }
      : {}),
  };
  for (const [path, keys] of takeDirty(state)) {
    for (const key of keys.keys()) causes.set(`${path} ${key}`, cause);
  }
}

/** `Service shop/web`, `EndpointSlice shop/web-a (deleted)`, `config`. */
export function describeRecord(record: LedgerRecord): string {
  if (record.kind !== "event") return record.kind;
  return `${describeKey(record.key)}${record.value === null ? " (deleted)" : ""}`;
}
