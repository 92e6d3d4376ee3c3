// Every change of what happens to a packet in a range of records. The journal says which records can matter to it: those of the Services
// that claim its destination, of the configuration and of the node. Only these are folded, and the packet is traced again only where an
// element changed that the last trace looked up. So a long range costs what concerns the packet.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { FoldChanges } from "../fold/fold_changes.ts";
import { OBJECT_PATHS, TABLE } from "../fold/skeleton.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Service } from "../kube/objects.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import { type ElementKey, type SetPath, setPath } from "../nft/ruleset.ts";
import { journalFrom } from "./journal_reading.ts";
import { type Lookup, type Past, stateAt } from "./past.ts";
import type { Packet, Trace } from "./trace.ts";
import { traceAt } from "./why.ts";

/** A commit with which the trace of a packet got another value. */
export interface PacketChange<Value> {
  /** Offset of the commit's record. */
  readonly commit: number;
  readonly record: CommitRecord;
  /** Offset of the record that the commit folded and that changed the value last. */
  readonly cause: number;
  readonly value: Value;
  readonly before: Trace;
  readonly after: Trace;
}

/**
 * Every commit after offset `from`, up to `through`, with which `valueOf` the packet's trace changes. Values are compared with ===.
 * The first call of it is with the trace at `from`. `lookup` keeps a segment in memory, so a caller that has one shares it.
 */
export function* packetChanges<Value>(
  past: Past,
  from: number,
  through: number,
  packet: Packet,
  valueOf: (trace: Trace) => Value,
  lookup: Lookup = past.lookup(),
): Generator<PacketChange<Value>> {
  const { state } = stateAt(past, from);
  const { offsets, commits } = relevantRecords(past, from, through, packet, state);
  const watched = new WatchedTrace(state, packet);
  let [committed, value] = [watched.trace, valueOf(watched.trace)];
  let [now, cause] = [value, from];
  const fold = (offset: number) => {
    const found = lookup(offset);
    if (found === undefined || !watched.fold(found.offset, found.record)) return;
    const next = valueOf(watched.trace);
    if (next !== now) cause = offset;
    now = next;
  };
  const counted = past.progress("records of the journal folded");
  let at = 0;
  for (const commit of commits) {
    for (; at < offsets.length && offsets[at]! <= commit.through; at++) {
      fold(offsets[at]!);
      counted(at);
    }
    const record = now === value ? undefined : lookup(commit.offset)?.record;
    const before = committed;
    committed = watched.trace;
    if (record?.kind !== "commit") continue;
    value = now;
    yield { commit: commit.offset, record, cause, value, before, after: committed };
  }
}

/** The trace of a packet, made again when a record changes what it looked up. */
class WatchedTrace {
  trace: Trace;
  #looked = new Map<SetPath, Set<ElementKey> | undefined>();

  constructor(readonly state: ClusterState, readonly packet: Packet) {
    this.trace = this.#made();
  }

  /** Folds a record; returns whether the packet had to be traced again. */
  fold(offset: Offset, record: LedgerRecord): boolean {
    const { tables, knownNode } = this.state;
    const changes = foldRecord(this.state, offset, record);
    const same = tables === this.state.tables && knownNode === this.state.knownNode;
    if (same && !this.#concerns(changes)) return false;
    this.trace = this.#made();
    return true;
  }

  #made(): Trace {
    const family = familyOf(this.packet.destination);
    this.#looked = new Map(Object.values(OBJECT_PATHS[family]).map((path) => [path, undefined]));
    return traceAt(this.state, this.packet, (set, key) => {
      const path = setPath(family, TABLE, set);
      const keys = this.#looked.get(path);
      if (key === undefined) this.#looked.set(path, undefined);
      else if (keys !== undefined) keys.add(key);
      else if (!this.#looked.has(path)) this.#looked.set(path, new Set([key]));
    });
  }

  #concerns({ touched }: FoldChanges): boolean {
    for (const [path, keys] of touched) {
      if (!this.#looked.has(path)) continue;
      const looked = this.#looked.get(path);
      if (looked === undefined) return true;
      for (const key of keys.keys()) if (looked.has(key)) return true;
    }
    return false;
  }
}

/** The records that can matter to a packet, in order, and all accepted commits. */
interface Relevant {
  readonly offsets: readonly number[];
  readonly commits: readonly { readonly offset: number; readonly through: number }[];
}

function relevantRecords(
  past: Past,
  from: number,
  through: number,
  packet: Packet,
  { services }: ClusterState,
): Relevant {
  const claiming = new Set<string>();
  for (const [name, service] of services) if (mayReceive(service, packet)) claiming.add(name);
  const lookup = past.lookup();
  const offsets: number[] = [];
  const commits: { offset: number; through: number }[] = [];
  // A Service may begin to claim the destination later. What it did before is folded too: its endpoints decide its slots.
  const others = new Map<string, number[]>();
  for (
    const { offset, service, object, commit } of journalFrom(past, from + 1, through, { details: false })
  ) {
    if (commit?.accepted) commits.push({ offset, through: commit.through });
    else if (service === "" || claiming.has(service)) offsets.push(offset);
    else {
      const earlier = others.get(service) ?? [];
      earlier.push(offset);
      others.set(service, earlier);
      if (!object.startsWith("Service ")) continue;
      const record = lookup(offset)?.record;
      const value = record?.kind === "event" ? record.value : null;
      if (value?.kind !== "Service" || !mayReceive(value, packet)) continue;
      claiming.add(service);
      offsets.push(...earlier);
    }
  }
  return { offsets: [...new Set(offsets)].sort((a, b) => a - b), commits };
}

/** Whether packets to the destination of `packet` may be for `service`: at one of its addresses, or at its NodePort. */
function mayReceive({ spec, status }: Service, { destination, port }: Packet): boolean {
  const addresses = [
    spec.clusterIP ?? "",
    ...spec.clusterIPs ?? [],
    ...spec.externalIPs ?? [],
    ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? ""),
  ];
  return addresses.some((address) => parseAddress(address) === destination) ||
    (spec.ports ?? []).some(({ nodePort }) => nodePort === port);
}
