// Sets a damaged ledger aside, which keeps its files, and begins a new one with the records that can still be read.

import { emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { relist } from "../ingest/relist.ts";
import type { ConfigRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import { salvage } from "../ledger/salvage.ts";
import type { LedgerDamage } from "../ledger/segment.ts";
import type { Storage } from "../ledger/storage.ts";

/** The beginning of a new ledger. */
export interface Renewed {
  /** The folder, within the ledger's, that has the damaged segments now. */
  readonly folder: string;
  /** Its first records: the gap, then the configuration and the objects that the damaged ledger had. */
  readonly records: readonly LedgerRecord[];
  /** Whether the damaged ledger had committed rules from that state. */
  readonly committed: boolean;
}

/** Sets the segments in `storage` aside. No program may write to it meanwhile. `time`: RFC 3339, UTC. */
export function setDamagedAside(storage: Storage, damage: LedgerDamage, time: string): Renewed {
  const state = emptyState();
  const records = salvage(storage);
  let config: ConfigRecord | undefined;
  let count = 0;
  let next = records.next();
  for (; !next.done; next = records.next()) {
    if (next.value.kind === "config") config = next.value;
    foldRecord(state, count++ as Offset, next.value);
  }
  const folder = `damaged-${time.replace(/[:.]/g, "-")}`;
  storage.setAside(folder);
  const events = relist(new Map(), [...state.objects.values()], true, time);
  return {
    folder,
    committed: state.committed !== undefined,
    records: [
      { kind: "gap", time, reason: `${damage.message}; set aside in ${folder}`, records: next.value },
      ...(config === undefined ? [] : [config]),
      ...events.map((event): LedgerRecord => ({ kind: "event", ...event })),
    ],
  };
}
