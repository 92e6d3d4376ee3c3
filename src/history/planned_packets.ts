// Which packets would go elsewhere: those from each class of clients to each frontend of the Services that a change concerns. Where a
// Service restricts its sources, a client of each part of the ranges sends too: for one of them the answer may differ.

import type { ClusterState, Rules } from "../fold/cluster_state.ts";
import { firstAfter, parseCidr } from "../kube/address.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Address } from "../nft/data_type.ts";
import { type ClientClass, packetsTo } from "./frontend_packets.ts";
import type { Outcome, Packet } from "./trace.ts";
import { traceAt } from "./why.ts";

/** What a packet's path follows from. */
export type PlannedState = Rules & Pick<ClusterState, "services" | "config" | "node" | "knownNode">;

/** A packet that would go elsewhere. */
export interface PlannedPacket {
  /** Where the packet is from. */
  readonly client: ClientClass;
  /** `namespace/name` of the Service. */
  readonly service: string;
  /** One packet of such a client. */
  readonly packet: Packet;
  /** Whether it reaches an endpoint now, and would. */
  readonly serves: "as now" | "no more" | "newly" | "neither";
  /** Where it goes now. */
  readonly before: readonly Outcome[];
  /** Where it would go. */
  readonly after: readonly Outcome[];
}

/** The packets to frontends of `names` that would go elsewhere. Clients of one class with the same outcomes are reported once. */
export function packetsElsewhere(
  names: Iterable<ServiceName>,
  before: PlannedState,
  after: PlannedState,
): PlannedPacket[] {
  const [sent, reported] = [new Set<string>(), new Set<string>()];
  const found: PlannedPacket[] = [];
  for (const service of [...names].sort()) {
    const sources = sourcesApart(service, before, after);
    // Both states: a frontend may be in only one of them.
    for (const state of [before, after]) {
      for (const [client, packet] of packetsTo(state, service, sources)) {
        if (!isFirst(sent, [packet])) continue;
        const [was, is] = [traceAt(before, packet).outcomes, traceAt(after, packet).outcomes];
        if (JSON.stringify(was) === JSON.stringify(is)) continue;
        const { destination, protocol, port } = packet;
        if (!isFirst(reported, [client, destination, protocol, port, was, is])) continue;
        found.push({ client, service, packet, serves: served(packet, was, is), before: was, after: is });
      }
    }
  }
  return found;
}

/** Whether `key` is new in `seen`, where it is from now on. */
function isFirst(seen: Set<string>, key: readonly unknown[]): boolean {
  const text = JSON.stringify(key);
  if (seen.has(text)) return false;
  seen.add(text);
  return true;
}

/** A source of each part into which the source ranges of a Service divide the addresses, before and after. */
function sourcesApart(name: ServiceName, ...states: readonly PlannedState[]): Address[] {
  const ranges = states.flatMap(({ services }) =>
    (services.get(name)?.spec.loadBalancerSourceRanges ?? []).flatMap((text) => parseCidr(text) ?? [])
  );
  // Ranges nest or are disjoint: each part begins with a range, or after one.
  return [...new Set(ranges.flatMap((range) => [range.address, ...firstAfter(range)]))];
}

function served(
  packet: Packet,
  before: readonly Outcome[],
  after: readonly Outcome[],
): PlannedPacket["serves"] {
  const reaches = (outcomes: readonly Outcome[]) =>
    outcomes.some(({ kind, destination, port }) =>
      kind === "deliver" && (destination !== packet.destination || port !== packet.port)
    );
  const [was, is] = [reaches(before), reaches(after)];
  if (was) return is ? "as now" : "no more";
  return is ? "newly" : "neither";
}
