// A ledger read as a history: the state at a position, and which record made each element so.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { describeKey } from "../kube/objects.ts";
import { segmentFirst } from "../ledger/format.ts";
import { type Placed, readLedger, recordLookup } from "../ledger/reader.ts";
import type { CommitRecord, LedgerRecord } from "../ledger/record.ts";
import { segmentNames } from "../ledger/segment.ts";
import { newestSnapshot } from "../ledger/snapshot.ts";
import { folderStorage, type Storage } from "../ledger/storage.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import { TRIGGER } from "../kube/objects.ts";
import { localTime } from "./history_text.ts";
import { type PositionArgument, resolvePosition } from "./position_argument.ts";
import { progress } from "../node/progress.ts";
import { UsageError } from "../node/usage_error.ts";

/** What is believed at one moment, and which record made each element so. */
export interface Belief {
  readonly state: ClusterState;
  /** The record at an offset, where it is kept. */
  readonly record: (offset: number) => LedgerRecord | undefined;
}

/** A record, for people. */
export interface Cause {
  readonly offset: number;
  readonly what: string;
  readonly time: string;
  /** Version of the object, where the API server gave one. */
  readonly resourceVersion?: string;
  /** When the change began that an EndpointSlice tells of, RFC 3339: how late its news came. */
  readonly triggered?: string;
}

/** A commit with its place. */
export interface PlacedCommit extends Placed {
  readonly record: CommitRecord;
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
  return resolvePosition(at, storage);
}

/** What was believed at offset `through`: the newest snapshot before it, and what was folded since. */
export function beliefAt(storage: Storage, through: number): Belief {
  const state = stateBefore(storage, through);
  const told = progress("records read from the ledger");
  for (const { offset, record } of readLedger(storage, state.folded + 1)) {
    if (offset > through) break;
    foldRecord(state, offset, record);
    told(offset + 1);
  }
  return { state, record: recordLookup(storage) };
}

/** The state that reading begins with to reach offset `through`. */
export function stateBefore(storage: Storage, through: number): ClusterState {
  const snapshot = newestSnapshot<SnapshotLine>(storage, through + 1, snapshotMisfit);
  if (snapshot !== undefined) return restoredState(snapshot.lines);
  const first = segmentFirst(segmentNames(storage)[0]!)!;
  if (first === 0) return emptyState();
  throw new UsageError(`${storage.path}: the snapshot of what was before @${first} is gone`);
}

/** Which record made the element at `key` of `set` what it is in `belief`; undefined where it is no record's. */
export function causeOf({ state, record }: Belief, set: SetPath, key: ElementKey): Cause | undefined {
  const offset = state.causes.get(set)?.get(key);
  return offset === undefined ? undefined : causeAt(record, offset);
}

/** The record at `offset` as a cause. */
export function causeAt(record: Belief["record"], offset: number): Cause {
  const found = record(offset);
  if (found === undefined) return { offset, what: "a record that is not kept any more", time: "" };
  const version = found.kind === "event" ? found.resourceVersion : "";
  const triggered = found.kind === "event" ? found.value?.metadata.annotations?.[TRIGGER] : undefined;
  return {
    offset,
    what: describeRecord(found),
    time: found.time,
    ...(version === "" ? {} : { resourceVersion: version }),
    ...(triggered === undefined ? {} : { triggered }),
  };
}

/** `by @12 EndpointSlice shop/web-a, resourceVersion 77, triggered 3 s before, arrived 2026-11-23 03:12:00.123 +01:00`. */
export function causeText({ offset, what, time, resourceVersion, triggered }: Cause): string {
  const seconds = triggered === undefined ? NaN : (Date.parse(time) - Date.parse(triggered)) / 1000;
  return [
    `by @${offset} ${what}`,
    ...(resourceVersion === undefined ? [] : [`resourceVersion ${resourceVersion}`]),
    // The trigger is told in whole seconds.
    ...(seconds >= 1 ? [`triggered ${seconds.toFixed(0)} s before`] : []),
    `arrived ${localTime(time)}`,
  ].join(", ");
}

/** The commit that brought the record at `offset` to the kernel. */
export function commitOf(record: Belief["record"], offset: number): PlacedCommit | undefined {
  for (let at = offset;; at++) {
    const found = record(at);
    if (found === undefined) return undefined;
    if (found.kind !== "commit" || found.outcome !== "committed") continue;
    if (found.from <= offset && offset <= found.through) {
      return { offset: at as Placed["offset"], record: found };
    }
  }
}

/** `Service shop/web`, `EndpointSlice shop/web-a (deleted)`, `config`. */
export function describeRecord(record: LedgerRecord): string {
  if (record.kind !== "event") return record.kind;
  return `${describeKey(record.key)}${record.value === null ? " (deleted)" : ""}`;
}
