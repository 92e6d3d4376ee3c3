// A start behind a cut: the ledger ends before records that it once had. The gap is recorded, and so is what a snapshot behind the
// cut knows of the cluster, so that no Service is lost and no reader takes the cut for the end.

import type { ClusterState } from "../fold/cluster_state.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { relist } from "../ingest/relist.ts";
import { sameValue } from "../kube/equality.ts";
import type { CutTail } from "../ledger/cut.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { newestSnapshot } from "../ledger/snapshot.ts";
import type { Storage } from "../ledger/storage.ts";
import { VERSION } from "./program_version.ts";

/** The records that a ledger goes on with, and whether rules were committed from those that are missing. */
export interface Continuation {
  readonly records: readonly LedgerRecord[];
  readonly committed: boolean;
}

/** How the ledger, whose state at its end is `known`, goes on behind `cut`. `time`: RFC 3339, UTC. */
export function continueBehind(
  storage: Storage,
  cut: CutTail,
  known: ClusterState,
  time: string,
): Continuation {
  const snapshot = newestSnapshot<SnapshotLine>(storage, undefined, snapshotMisfit);
  const newer = snapshot !== undefined && snapshot.next > cut.from
    ? restoredState(snapshot.lines)
    : undefined;
  const source = newer === undefined ? "" : "; the objects of the snapshot are taken over";
  const gap: LedgerRecord = {
    kind: "gap",
    time,
    reason: `${cut.text}${source}`,
    records: cut.through + 1 - cut.from,
  };
  if (newer === undefined) return { records: [gap], committed: false };
  const { node: { name: nodeName }, config: proxy } = newer;
  const configured = known.node.name === nodeName && sameValue(known.config, proxy);
  const config: LedgerRecord = { kind: "config", time, version: VERSION, nodeName, proxy };
  const events = relist(known.objects, { objects: [...newer.objects.values()], complete: true, time });
  return {
    records: [
      gap,
      ...(configured ? [] : [config]),
      ...events.map((event): LedgerRecord => ({ kind: "event", ...event })),
    ],
    committed: newer.committed !== undefined,
  };
}
