// Sets a damaged ledger aside, which keeps its files, and begins a new one with what can still be read: its newest whole
// snapshot and every whole record after that. A ledger that a newer version of the program wrote is not damaged, but only that
// version can read it. It is set aside whole, for that version, and nothing of it is used.

import { countText } from "../count_text.ts";
import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { knownObjects, relist } from "../ingest/relist.ts";
import type { KubeObject } from "../kube/objects.ts";
import { nameOfService, type ServiceName } from "../kube/service_name.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import { LedgerLocked } from "../ledger/disk_writer.ts";
import { segmentFirst, segmentNames } from "../ledger/format.ts";
import { type ConfigRecord, type GapRecord, type LedgerRecord, offsetOf } from "../ledger/record.ts";
import { firstSegment } from "../ledger/record_encoder.ts";
import { salvage } from "../ledger/salvage.ts";
import { newestSnapshot } from "../ledger/snapshot.ts";
import { folderStorage, isStorageFailure, type Storage } from "../ledger/storage.ts";
import { messageOf } from "../thrown.ts";
import { LostDeletions } from "./lost_deletions.ts";
import { VERSION } from "./program_version.ts";
import { UsageError } from "./usage_error.ts";

/** The beginning of a new ledger. */
export interface Renewed {
  /** The folder, within the ledger's, that has the damaged segments now. */
  readonly folder: string;
  /** Its first records: the gap, then the configuration and the objects that the damaged ledger had. */
  readonly records: readonly LedgerRecord[];
}

/** The disk refuses to set a damaged ledger aside, or to take the one that is to replace it. Nothing is lost. */
export class RenewalRefused extends Error {
  override readonly name = "RenewalRefused";

  constructor(path: string, cause: unknown) {
    super(
      `ledger ${path} is damaged, and its disk refuses to set it aside for a new one (${
        messageOf(cause)
      }); nothing of it is lost: try again once the disk has room and takes new files`,
    );
  }
}

/** Sets the segments in `storage` aside, and begins a new ledger. Throws {@link LedgerLocked}, {@link RenewalRefused}. `time`: RFC 3339, UTC. */
export function setDamagedAside(storage: Storage, damage: LedgerDamage, time: string): Renewed {
  const lock = storage.lock();
  if ("heldBy" in lock) throw new LedgerLocked(storage.path, lock.heldBy);
  using _ = lock;
  storage.endAside();
  const next = renewal(storage, damage, time);
  try {
    storage.setAside(next.folder, firstSegment(next.records));
  } catch (error) {
    throw isStorageFailure(error) ? new RenewalRefused(storage.path, error) : error;
  }
  return next;
}

/** What a new ledger begins with when the segments in `storage` are set aside. */
export function renewal(storage: Storage, damage: LedgerDamage, time: string): Renewed {
  const newer = damage.newerVersion;
  const { state, deleted, lost, salvaged } = newer === undefined ? lastKnown(storage) : nothingKnown();
  const folder = `${newer === undefined ? "damaged" : `version-${newer}`}-${time.replace(/[:.]/g, "-")}`;
  const objects = [...state.objects.values()].filter((object) => !isOneOf(object, deleted));
  const events = relist(knownObjects([]), { objects, complete: true, time });
  const gap: GapRecord = {
    kind: "gap",
    time,
    reason: `${damage.message}; set aside in ${folder}; known is ${pastText(salvaged)}`,
    records: lost,
    salvaged,
  };
  const config = configOf(state, time);
  return {
    folder,
    records: [
      gap,
      ...(config === undefined ? [] : [config]),
      ...events.map((event): LedgerRecord => ({ kind: "event", ...event })),
    ],
  };
}

/** {@link setDamagedAside} for the ledger in folder `path`. Throws {@link RenewalRefused}, and {@link UsageError} while a program writes it. */
export function repairLedger(path: string, damage: LedgerDamage, time: string): Renewed {
  try {
    return setDamagedAside(folderStorage(path, false), damage, time);
  } catch (error) {
    if (!(error instanceof LedgerLocked)) throw error;
    throw new UsageError(`${path} is being written by ${error.heldBy}, which repairs it by itself`);
  }
}

/** What can be read of a damaged ledger. */
interface LastKnown {
  readonly state: ClusterState;
  /** Services of the state whose deletion is among the lost records. */
  readonly deleted: ReadonlySet<ServiceName>;
  /** How many lines are not whole records. */
  readonly lost: number;
  readonly salvaged: NonNullable<GapRecord["salvaged"]>;
}

/** Of a ledger that only a newer version can read, nothing is used. */
function nothingKnown(): LastKnown {
  const salvaged = { snapshot: null, records: 0, complete: false, committed: false };
  return { state: emptyState(), deleted: new Set(), lost: 0, salvaged };
}

/** Folds the newest whole snapshot and all whole records after it. */
function lastKnown(storage: Storage): LastKnown {
  const snapshot = newestSnapshot<SnapshotLine>(storage, undefined, snapshotMisfit);
  const state = snapshot === undefined ? emptyState() : restoredState(snapshot.lines);
  const [first] = segmentNames(storage);
  const records = salvage(storage, snapshot?.next);
  const deletions = new LostDeletions(snapshot?.next ?? (first === undefined ? 0 : segmentFirst(first)!));
  let count = 0;
  let next = records.next();
  for (; !next.done; next = records.next()) {
    const { offset, record } = next.value;
    foldRecord(state, offsetOf(offset), record);
    deletions.note(offset, record);
    count++;
  }
  return {
    state,
    deleted: deletions.services(state),
    lost: next.value,
    salvaged: {
      snapshot: snapshot?.next ?? null,
      records: count,
      complete: snapshot !== undefined || (first !== undefined && segmentFirst(first) === 0),
      committed: state.committed !== undefined,
    },
  };
}

/** Whether `object` is one of `services`. */
function isOneOf(
  { kind, metadata }: KubeObject,
  services: ReadonlySet<ServiceName>,
) {
  return kind === "Service" && services.has(nameOfService(metadata));
}

/** The newest configuration of `state`; undefined where none was recorded. */
function configOf({ folded, node, config }: ClusterState, time: string): ConfigRecord | undefined {
  if (folded < 0 || node.name === "") return undefined;
  return { kind: "config", time, version: VERSION, nodeName: node.name, proxy: config };
}

/** `salvaged` as text, for the gap record. */
function pastText({ snapshot, records, complete }: LastKnown["salvaged"]): string {
  const behind = countText(records, "whole record");
  if (snapshot !== null) return `the snapshot before @${snapshot} and ${behind} behind it`;
  return complete ? behind : `${behind}, and nothing of what was before them`;
}
