// A damaged ledger is set aside, never deleted, and a new one begun with what could be used of it: its newest whole snapshot
// and every whole record behind it. One that a newer program wrote is not damaged, but only that program can read it: it is
// set aside whole, for when that program is back, and nothing of it is used.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { relist } from "../ingest/relist.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import { segmentFirst } from "../ledger/format.ts";
import type { ConfigRecord, GapRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import { salvage } from "../ledger/salvage.ts";
import { segmentNames } from "../ledger/segment.ts";
import { newestSnapshot } from "../ledger/snapshot.ts";
import type { Storage } from "../ledger/storage.ts";
import { VERSION } from "./program_version.ts";

/** How a new ledger begins. */
export interface Renewed {
  /** Folder in the ledger's that the damaged segments are in now. */
  readonly folder: string;
  /** Its first records: the gap, then what was last known. */
  readonly records: readonly LedgerRecord[];
}

/** Sets the segments in `storage` aside, which must not be written to by anybody. `time`: RFC 3339, UTC. */
export function setDamagedAside(storage: Storage, damage: LedgerDamage, time: string): Renewed {
  const newer = damage.newerVersion;
  const { state, lost, salvaged } = newer === undefined ? lastKnown(storage) : nothingKnown();
  const folder = `${newer === undefined ? "damaged" : `version-${newer}`}-${time.replace(/[:.]/g, "-")}`;
  storage.setAside(folder);
  const events = relist(new Map(), [...state.objects.values()], true, time);
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

interface LastKnown {
  readonly state: ClusterState;
  /** Lines that are no whole records. */
  readonly lost: number;
  readonly salvaged: NonNullable<GapRecord["salvaged"]>;
}

function nothingKnown(): LastKnown {
  const salvaged = { snapshot: null, records: 0, complete: false, committed: false };
  return { state: emptyState(), lost: 0, salvaged };
}

function lastKnown(storage: Storage): LastKnown {
  const snapshot = newestSnapshot<SnapshotLine>(storage, undefined, snapshotMisfit);
  const state = snapshot === undefined ? emptyState() : restoredState(snapshot.lines);
  const [first] = segmentNames(storage);
  const records = salvage(storage, snapshot?.next);
  let count = 0;
  let next = records.next();
  for (; !next.done; next = records.next()) {
    const { offset, record } = next.value;
    foldRecord(state, offset as Offset, record);
    count++;
  }
  return {
    state,
    lost: next.value,
    salvaged: {
      snapshot: snapshot?.next ?? null,
      records: count,
      complete: snapshot !== undefined || (first !== undefined && segmentFirst(first) === 0),
      committed: state.committed !== undefined,
    },
  };
}

/** The configuration that `state` ends with; undefined where none was recorded. */
function configOf({ folded, node, config }: ClusterState, time: string): ConfigRecord | undefined {
  if (folded < 0 || node.name === "") return undefined;
  return { kind: "config", time, version: VERSION, nodeName: node.name, proxy: config };
}

function pastText({ snapshot, records, complete }: LastKnown["salvaged"]): string {
  const behind = `${records} whole records`;
  if (snapshot !== null) return `the snapshot before @${snapshot} and ${behind} behind it`;
  return complete ? behind : `${behind}, and nothing of what was before them`;
}
