// Every change of what happens to a packet in a range of records. Only the records that can matter to it are folded (`packet_records.ts`),
// and the packet is traced again only where an element changed that the last trace looked up. So a long range costs what concerns the
// packet.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import type { FoldChanges } from "../fold/fold_changes.ts";
import { OBJECT_PATHS, TABLE } from "../fold/skeleton.ts";
import { familyOf } from "../kube/address.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { type ElementKey, type SetPath, setPath } from "../nft/ruleset.ts";
import { commitsAbout } from "./packet_records.ts";
import { type Past, type PastState, stateAt } from "./past.ts";
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
  begin?: PastState,
): Generator<PacketChange<Value>> {
  for (const { change } of watchPackets(past, { from, through }, [{ packet, valueOf }], begin)) yield change;
}

/**
 * The changes of many packets, which are folded for once. `watch` is the place of the packet in `watches`. Records are folded into
 * `begin`, the state after `from`; a caller that has one saves the time to make it.
 */
export function* watchPackets<Value>(
  past: Past,
  { from, through }: Span,
  watches: readonly PacketWatch<Value>[],
  { state, lookup }: PastState = stateAt(past, from),
): Generator<{ readonly watch: number; readonly change: PacketChange<Value> }> {
  const watched = watches.map((watch) => new WatchedPacket(state, watch, from));
  const packets = watches.map(({ packet }) => packet);
  const counted = past.progress("records folded");
  let count = 0;
  for (const { offset, records } of commitsAbout(past, { from, through }, packets, state, lookup)) {
    for (const record of records) fold(state, watched, record);
    if (records.length > 0) counted(count += records.length);
    const changed = watched.flatMap((one, watch) => {
      const change = one.committed();
      return change === undefined ? [] : [{ watch, change }];
    });
    const record = changed.length === 0 ? undefined : lookup(offset)?.record;
    if (record?.kind !== "commit") continue;
    for (const { watch, change } of changed) {
      yield { watch, change: { commit: offset, record, ...change } };
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
  for (const one of watched) {
    const cause = all ? offset : one.concernedBy(touched);
    if (cause !== undefined) one.traceAgain(cause);
  }
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

  /** Traces the packet after the record at `cause`, or a step that its Service waited for, has changed what the trace read. */
  traceAgain(cause: number): void {
    this.#trace = this.#made();
    const next = this.watch.valueOf(this.#trace);
    if (next !== this.#now) this.cause = cause;
    this.#now = next;
  }

  /** Notes that a commit has brought the present trace to the kernel; returns what that changed. */
  committed(): Omit<PacketChange<Value>, "commit" | "record"> | undefined {
    const { trace: before, value } = this.#committed;
    this.#committed = { trace: this.#trace, value: this.#now };
    if (value === this.#now) return undefined;
    return { cause: this.cause, value: this.#now, before, after: this.#trace };
  }

  /** The newest cause of the changed elements that the trace has read; all others cannot change it. Undefined where it read none. */
  concernedBy(touched: FoldChanges["touched"]): number | undefined {
    let newest: number | undefined;
    for (const [path, keys] of touched) {
      if (!this.#looked.has(path)) continue;
      const looked = this.#looked.get(path);
      for (const [key, cause] of keys) {
        if (looked === undefined || looked.has(key)) newest = Math.max(newest ?? cause, cause);
      }
    }
    return newest;
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
