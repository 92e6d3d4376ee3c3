// Every change of what happens to a packet in a range of records. The journal says which records can matter to it: those of the Services
// that claim its destination, of the configuration and of the node. Only these are folded, and the packet is traced again only where an
// element changed that the last trace looked up. So a long range costs what concerns the packet.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { FoldChanges } from "../fold/fold_changes.ts";
import { OBJECT_PATHS, TABLE } from "../fold/skeleton.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import { describesKind, type Service } from "../kube/objects.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { type ElementKey, type SetPath, setPath } from "../nft/ruleset.ts";
import type { JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import { type Lookup, type Past, stateAt } from "./past.ts";
import type { Packet, Trace } from "./trace.ts";
import { traceAt } from "./why.ts";
import type { Span } from "./window.ts";

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

/** A packet, and the value of its trace that is watched. Values are compared with ===. */
export interface PacketWatch<Value> {
  readonly packet: Packet;
  /** The first call is with the trace at the beginning of the range. */
  valueOf(trace: Trace): Value;
}

/** Every commit after offset `from`, up to `through`, with which `valueOf` the packet's trace changes: see {@link PacketWatch}. */
export function* packetChanges<Value>(
  past: Past,
  from: number,
  through: number,
  packet: Packet,
  valueOf: (trace: Trace) => Value,
  lookup?: Lookup,
): Generator<PacketChange<Value>> {
  for (const { change } of watchPackets(past, { from, through }, [{ packet, valueOf }], lookup)) yield change;
}

/**
 * The changes of many packets, which are folded for once. `watch` is the place of the packet in `watches`. `lookup` keeps a segment in
 * memory, so a caller that has one shares it.
 */
export function* watchPackets<Value>(
  past: Past,
  { from, through }: Span,
  watches: readonly PacketWatch<Value>[],
  lookup: Lookup = past.lookup(),
): Generator<{ readonly watch: number; readonly change: PacketChange<Value> }> {
  const { state } = stateAt(past, from);
  const { offsets, commits } = relevantRecords(
    past,
    from,
    through,
    watches.map(({ packet }) => packet),
    state,
  );
  const watched = watches.map((watch) => new WatchedPacket(state, watch, from));
  const counted = past.progress("records of the journal folded");
  let at = 0;
  for (const commit of commits) {
    for (; at < offsets.length && offsets[at]! <= commit.through; at++) {
      const found = lookup(offsets[at]!);
      if (found !== undefined) fold(state, watched, found);
      counted(at);
    }
    const changed = watched.flatMap((one, watch) => {
      const change = one.committed();
      return change === undefined ? [] : [{ watch, change }];
    });
    const record = changed.length === 0 ? undefined : lookup(commit.offset)?.record;
    if (record?.kind !== "commit") continue;
    for (const { watch, change } of changed) {
      yield { watch, change: { commit: commit.offset, record, ...change } };
    }
  }
}

/** Folds a record, and traces the packets again that it may concern. */
function fold<Value>(
  state: ClusterState,
  watched: readonly WatchedPacket<Value>[],
  { offset, record }: Placed,
): void {
  const { tables, knownNode } = state;
  const { touched } = foldRecord(state, offset, record);
  const all = tables !== state.tables || knownNode !== state.knownNode;
  for (const one of watched) if (all || one.concerns(touched)) one.traceAgain(offset);
}

/** A packet with its trace, which is made again when a record changes what it looked up. */
class WatchedPacket<Value> {
  #trace: Trace;
  #now: Value;
  /** The keys that the trace looked up in each set; undefined where it read the whole set. */
  #looked = new Map<SetPath, Set<ElementKey> | undefined>();
  /** What the kernel has: the trace as of the last commit. */
  #committed: { readonly trace: Trace; readonly value: Value };

  constructor(readonly state: ClusterState, readonly watch: PacketWatch<Value>, public cause: number) {
    this.#trace = this.#made();
    this.#now = watch.valueOf(this.#trace);
    this.#committed = { trace: this.#trace, value: this.#now };
  }

  /** Traces the packet in the state after the record at `offset`. */
  traceAgain(offset: number): void {
    this.#trace = this.#made();
    const next = this.watch.valueOf(this.#trace);
    if (next !== this.#now) this.cause = offset;
    this.#now = next;
  }

  /** Notes that a commit has brought the present trace to the kernel; returns what that changed. */
  committed(): Omit<PacketChange<Value>, "commit" | "record"> | undefined {
    const { trace: before, value } = this.#committed;
    this.#committed = { trace: this.#trace, value: this.#now };
    if (value === this.#now) return undefined;
    return { cause: this.cause, value: this.#now, before, after: this.#trace };
  }

  /** Whether the trace has read an element that changed. All others cannot change it. */
  concerns(touched: FoldChanges["touched"]): boolean {
    for (const [path, keys] of touched) {
      if (!this.#looked.has(path)) continue;
      const looked = this.#looked.get(path);
      if (looked === undefined) return true;
      for (const key of keys.keys()) if (looked.has(key)) return true;
    }
    return false;
  }

  #made(): Trace {
    const { packet } = this.watch;
    const family = familyOf(packet.destination);
    this.#looked = new Map(Object.values(OBJECT_PATHS[family]).map((path) => [path, undefined]));
    return traceAt(this.state, packet, (set, key) => {
      const path = setPath(family, TABLE, set);
      const keys = this.#looked.get(path);
      if (key === undefined) this.#looked.set(path, undefined);
      else if (keys !== undefined) keys.add(key);
      else if (!this.#looked.has(path)) this.#looked.set(path, new Set([key]));
    });
  }
}

/** The records that can matter to the packets, in order, and all accepted commits. */
interface Relevant {
  readonly offsets: readonly number[];
  readonly commits: readonly { readonly offset: number; readonly through: number }[];
}

function relevantRecords(
  past: Past,
  from: number,
  through: number,
  packets: readonly Packet[],
  { services }: ClusterState,
): Relevant {
  const claiming = new Set<string>();
  for (const [name, service] of services) if (mayReceiveAny(service, packets)) claiming.add(name);
  const lookup = past.lookup();
  const offsets: number[] = [];
  const commits: { offset: number; through: number }[] = [];
  // A Service may begin to claim the destination later. What it did before is folded too: its endpoints decide its slots.
  const others = new Map<string, number[]>();
  for (const entry of journalFrom(past, from + 1, through, { details: false })) {
    const { offset, service, commit } = entry;
    if (commit?.accepted) commits.push({ offset, through: commit.through });
    else if (service === "" || claiming.has(service)) offsets.push(offset);
    else {
      const earlier = others.get(service) ?? [];
      earlier.push(offset);
      others.set(service, earlier);
      const appeared = serviceOf(entry, lookup);
      if (appeared === undefined || !mayReceiveAny(appeared, packets)) continue;
      claiming.add(service);
      offsets.push(...earlier);
    }
  }
  return { offsets: [...new Set(offsets)].sort((a, b) => a - b), commits };
}

/** The Service object that the record of an entry brought; undefined where it brought none. */
function serviceOf({ object, offset }: JournalEntry, lookup: Lookup): Service | undefined {
  // Most records are about slices, and need not be read.
  if (!describesKind(object, "Service")) return undefined;
  const record = lookup(offset)?.record;
  const value = record?.kind === "event" ? record.value : null;
  return value?.kind === "Service" ? value : undefined;
}

function mayReceiveAny(service: Service, packets: readonly Packet[]): boolean {
  return packets.some((packet) => mayReceive(service, packet));
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
