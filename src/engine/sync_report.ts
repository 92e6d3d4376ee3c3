// What a commit did, as a value that metrics and the log line of a sync are made from, and the events counted for it.

import { TRIGGERS_MAX } from "../limits/commits.ts";
import { TRIGGER } from "../kube/objects.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { unfinishedServices } from "../fold/unfinished.ts";
import type { WithoutLocal } from "../fold/service_program.ts";
import type { CommitReceipt } from "../kernel/kernel.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Family } from "../nft/data_type.ts";
import type { Delta } from "../plan/delta.ts";
import type { MovedFrontend } from "../plan/moved_frontends.ts";
import { POSITION_PATH } from "../plan/position.ts";

/** One commit and what led to it; or events that led to none, with no operations. */
export interface SyncReport {
  /** Offset the rules now follow. */
  readonly position: number;
  /** Records folded since the commit before. */
  readonly records: number;
  readonly operations: number;
  readonly bytes: number;
  /** Time in the kernel. */
  readonly microseconds: number;
  /** ServicePorts whose elements changed, sorted. */
  readonly services: readonly string[];
  /** Whether the static skeleton was written too. */
  readonly rebuilt: boolean;
  /** Ready endpoints without a slot, by ServicePort and family. */
  readonly omitted: ReadonlyMap<string, number>;
  /** ServicePorts that a Local policy leaves without endpoints, by policy and family. */
  readonly withoutLocal: ReadonlyMap<WithoutLocal, number>;
  /** How many Services are set aside. */
  readonly aside: number;
  /** How many Services wait for their rules, or have a part of them. */
  readonly unfinished: number;
  /** How many frontends more than one Service claims. */
  readonly contested: number;
  /** Frontends that went from one Service to another. */
  readonly moved: readonly MovedFrontend[];
  /** Events about Services, and about EndpointSlices, since the commit before. */
  readonly serviceChanges: number;
  readonly endpointChanges: number;
  /** When those changes of endpoints began, for slices with the annotation. */
  readonly triggers: readonly Trigger[];
}

/** When a change of endpoints of one family began. */
export interface Trigger {
  readonly family: Family;
  /** RFC 3339. */
  readonly time: string;
}

/** What has happened since the last report. Events are counted. */
export interface Gathered {
  /** Whether a step of rules that wait was made: it may have ended the wait of a Service without a change. */
  stepped: boolean;
  services: number;
  endpoints: number;
  triggers: Trigger[];
}

/** Before any event. */
export function nothingGathered(): Gathered {
  return { stepped: false, services: 0, endpoints: 0, triggers: [] };
}

const FAMILY_OF: ReadonlyMap<string, Family> = new Map([["IPv4", "ip"], ["IPv6", "ip6"]]);

/** Counts the event of `record`. A trigger time counts once, so call this before the record is folded. */
export function countEvent(gathered: Gathered, { objects }: ClusterState, record: LedgerRecord): void {
  if (record.kind !== "event") return;
  const { key, value } = record;
  if (key.kind === "Service") gathered.services++;
  if (key.kind !== "EndpointSlice") return;
  gathered.endpoints++;
  const time = value?.metadata.annotations?.[TRIGGER];
  const family = FAMILY_OF.get(value?.kind === "EndpointSlice" ? value.addressType : "");
  // Slices of type FQDN lead to no rules.
  if (time === undefined || family === undefined) return;
  if (time === objects.at(key)?.metadata.annotations?.[TRIGGER]) return;
  if (gathered.triggers.length < TRIGGERS_MAX) gathered.triggers.push({ family, time });
}

/** The report of a commit whose first record is `from`. */
export function syncReport(
  cluster: ClusterState,
  { delta, through, rebuilds, moved }: {
    readonly delta: Delta;
    readonly moved: readonly MovedFrontend[];
    readonly through: number;
    readonly rebuilds: boolean;
  },
  from: number,
  receipt: CommitReceipt,
  gathered: Gathered,
): SyncReport {
  const services = new Set<string>();
  for (const { set, before, after } of delta) {
    const comment = after?.comment ?? before?.comment;
    if (comment !== undefined && set !== POSITION_PATH) services.add(comment);
  }
  return {
    position: through,
    records: through - from + 1,
    operations: receipt.operations,
    bytes: receipt.bytes,
    microseconds: receipt.microseconds,
    services: [...services].sort(),
    rebuilt: rebuilds,
    moved,
    ...afterwards(cluster, gathered),
  };
}

/** The report of events that change no rule. Its sync sends nothing to the kernel, whose rules follow `position`. */
export function unchangedReport(cluster: ClusterState, position: number, gathered: Gathered): SyncReport {
  const nothing = { records: 0, operations: 0, bytes: 0, microseconds: 0, services: [], moved: [] };
  return { position, ...nothing, rebuilt: false, ...afterwards(cluster, gathered) };
}

/** What a report says about the state after a sync, and about the events before it. */
function afterwards(cluster: ClusterState, gathered: Gathered) {
  return {
    omitted: cluster.omitted,
    withoutLocal: cluster.withoutLocal,
    aside: cluster.aside.size,
    unfinished: unfinishedServices(cluster),
    contested: cluster.contested.size,
    serviceChanges: gathered.services,
    endpointChanges: gathered.endpoints,
    triggers: gathered.triggers,
  };
}
