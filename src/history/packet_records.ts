// The records that can matter to packets, by the commits that brought them to the kernel. The journal says which those are: records of
// the Services that claim a destination, of the configuration and of the node. All others need not be folded.

import type { ClusterState } from "../fold/cluster_state.ts";
import { isUnfinished } from "../fold/unfinished.ts";
import { parseAddress } from "../kube/address.ts";
import type { ServiceBounds } from "../kube/bounds.ts";
import { describesKind, type Service } from "../kube/objects.ts";
import type { Placed } from "../ledger/reader.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import type { Lookup, Past } from "./past.ts";
import type { Packet } from "./trace.ts";
import type { Span } from "./window.ts";

/** An accepted commit, with the records to fold before it. */
export interface CommitAbout {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** In the order in which they are to be folded. */
  readonly records: readonly Placed[];
}

/**
 * The accepted commits after `from`, up to `through`, each with the records that can matter to `packets`. The caller folds them into
 * `state`, the one after the record at `from`, before it asks for the next commit. The bounds of `state` are changed: rules that a step
 * made are made here by the events that waited for it, which are folded as late as that step.
 */
export function* commitsAbout(
  past: Past,
  { from, through }: Span,
  packets: readonly Packet[],
  state: ClusterState,
  lookup: Lookup,
): Generator<CommitAbout> {
  const begun = yield* commitsOfSteps(past, { from, through }, state);
  if (state.bounds !== undefined) state.bounds = withoutSteps(state.bounds);
  const relevant = new RelevantRecords(packets, state, past.lookup());
  for (const entry of journalFrom(past, begun.folded + 1, through, { details: false })) {
    if (entry.commit?.accepted !== true) {
      relevant.note(entry);
      continue;
    }
    if (entry.offset <= begun.commit) continue;
    const records = relevant.due(entry.commit.through).flatMap((offset) => lookup(offset) ?? []);
    yield { offset: entry.offset, records: records.map(unstepped) };
  }
}

/** Every record while rules of `state` wait for steps: which Services have them does not say how far they are. */
function* commitsOfSteps(
  past: Past,
  { from, through }: Span,
  state: ClusterState,
): Generator<CommitAbout, { readonly folded: number; readonly commit: number }> {
  let waiting: Placed[] = [];
  let [folded, commit] = [from, from];
  if (!isUnfinished(state)) return { folded, commit };
  for (const placed of past.records(from + 1, through)) {
    const { offset, record } = placed;
    if (record.kind === "commit" && record.outcome === "committed") {
      yield { offset, records: waiting.filter((one) => one.offset <= record.through) };
      waiting = waiting.filter((one) => one.offset > record.through);
      [folded, commit] = [Math.max(folded, record.through), offset];
      if (!isUnfinished(state)) break;
    }
    waiting.push(placed);
  }
  return { folded, commit };
}

/** An entry of a Service that claims no destination; its offset alone where the Service did not wait for a step. */
type Earlier = number | Pick<JournalEntry, "offset" | "service" | "waits" | "waited">;

/** Gathers the records of one reading of the journal. */
class RelevantRecords {
  /** The Services that claim a destination of the packets. */
  readonly #claiming = new Set<string>();
  /** What Services did that claim none so far. One may begin to later, and then its endpoints decide its slots. */
  readonly #others = new Map<string, Earlier[]>();
  /** Events whose Service waits for a step. */
  readonly #stepping = new Map<string, number[]>();
  /** Records to fold, and the record that makes their rules: the same, or the commit before the step. */
  #ready: { readonly offset: number; readonly made: number }[] = [];

  constructor(
    readonly packets: readonly Packet[],
    { services }: ClusterState,
    readonly lookup: Lookup,
  ) {
    for (const [name, service] of services) if (this.#mayReceive(service)) this.#claiming.add(name);
  }

  /** Notes what follows in the journal. */
  note(entry: JournalEntry): void {
    const { offset, service } = entry;
    if (service === "") this.#ready.push({ offset, made: offset });
    else if (this.#claiming.has(service)) this.#add(entry);
    else {
      const { waits, waited } = entry;
      const earlier = this.#others.get(service) ?? [];
      // Of a million entries only what is needed is kept.
      earlier.push(waits || waited !== undefined ? { offset, service, waits, waited } : offset);
      this.#others.set(service, earlier);
      if (!this.#appears(entry)) return;
      this.#claiming.add(service);
      this.#others.delete(service);
      for (const one of earlier) {
        this.#add(typeof one === "number" ? { offset: one, service, waits: false, waited: undefined } : one);
      }
    }
  }

  /** Takes the records whose rules are made up to offset `through`, in order. */
  due(through: number): number[] {
    const due = this.#ready.filter(({ made }) => made <= through);
    this.#ready = this.#ready.filter(({ made }) => made > through);
    return [...new Set(due.map(({ offset }) => offset))].sort((a, b) => a - b);
  }

  #add({ offset, service, waits, waited }: Exclude<Earlier, number>): void {
    const stepping = this.#stepping.get(service) ?? [];
    if (waited === undefined) stepping.push(offset);
    if (waits && waited === undefined) {
      this.#stepping.set(service, stepping);
      return;
    }
    this.#stepping.delete(service);
    for (const one of stepping) this.#ready.push({ offset: one, made: offset });
  }

  /** Whether the entry is about a Service object that claims a destination. */
  #appears({ object, offset, waited }: JournalEntry): boolean {
    // Most records are about slices, and need not be read.
    if (!describesKind(object, "Service")) return false;
    const record = this.lookup(waited?.offset ?? offset)?.record;
    const value = record?.kind === "event" ? record.value : null;
    return value?.kind === "Service" && this.#mayReceive(value);
  }

  #mayReceive(service: Service): boolean {
    return this.packets.some((packet) => mayReceive(service, packet));
  }
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

/** A configuration without steps; any other record as it is. */
function unstepped({ offset, record }: Placed): Placed {
  const bounded = record.kind === "config" && record.bounds !== undefined;
  const changed: LedgerRecord = bounded ? { ...record, bounds: withoutSteps(record.bounds) } : record;
  return { offset, record: changed };
}

function withoutSteps({ burst: _burst, ...bounds }: ServiceBounds): ServiceBounds {
  return { ...bounds, large: bounds.most };
}
