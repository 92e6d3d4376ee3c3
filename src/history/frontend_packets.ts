// The packets by which a Service can be judged: from each class of clients to each of its frontends.

import type { ClusterState } from "../fold/cluster_state.ts";
import { contains, familyOf, parseCidr } from "../kube/address.ts";
import { localCidr } from "../kube/proxy_config.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { isProxied, servicePorts } from "../kube/service_port.ts";
import { type Address, canonicalAddress, type Family } from "../nft/data_type.ts";
import { nodeAddresses } from "./packet_words.ts";
import type { Packet } from "./trace.ts";

/** Where a packet comes from: a pod of this node, the node itself, or another host. */
export type ClientClass = "pod" | "node" | "outside";

/** Addresses for documentation (RFC 5737, RFC 3849): no node or pod has them. */
const OUTSIDE: Readonly<Record<Family, Address>> = {
  ip: canonicalAddress("203.0.113.77"),
  ip6: canonicalAddress("2001:db8::77"),
};

/** What the packets to a Service follow from. */
type Frontends = Pick<ClusterState, "services" | "config" | "node" | "knownNode">;

/** A packet from each class of clients to each frontend of a Service; and one from each of `sources`. */
export function* packetsTo(
  state: Frontends,
  name: ServiceName,
  sources: readonly Address[] = [],
): Generator<[ClientClass, Packet]> {
  const service = state.services.get(name);
  if (service === undefined || !isProxied(service)) return;
  for (const port of servicePorts(service, state.node.linkLocal)) {
    const { family, protocol, clusterIP, externalIPs, nodePort } = port;
    const nodes = state.node.addresses.filter((address) => familyOf(address) === family);
    const places = [
      ...[clusterIP, ...externalIPs].map((destination) => ({ destination, port: port.port })),
      ...(nodePort === 0 ? [] : nodes.map((destination) => ({ destination, port: nodePort }))),
    ];
    for (const [client, from] of clientsOf(state, family, sources)) {
      for (const place of places) yield [client, { ...place, ...from, protocol }];
    }
  }
}

type Client = readonly [ClientClass, Pick<Packet, "source" | "interface">];

/** A source of each class. A class that the node's detector cannot distinguish, or that has no address, is left out. */
function clientsOf(state: Frontends, family: Family, sources: readonly Address[]): Client[] {
  const { config, node } = state;
  const own = nodeAddresses(state.knownNode).filter((address) => familyOf(address) === family);
  const pods = localCidr(config, node.podCIDRs, family) ??
    node.podCIDRs.map(parseCidr).find((cidr) => cidr?.family === family);
  const of = (source: Address): Client => {
    if (own.includes(source)) return ["node", { source }];
    if (pods === undefined || !contains(pods, source)) return ["outside", { source }];
    const name = podInterface(config);
    return ["pod", { source, ...(name && { interface: name }) }];
  };
  const usual = [...(pods ? [pods.address] : []), ...own.slice(0, 1), OUTSIDE[family]];
  return [...usual, ...sources.filter((source) => familyOf(source) === family)].map(of);
}

/** An interface by which packets of pods come, where that is how they are known. */
function podInterface({ detectLocal }: ClusterState["config"]): string | undefined {
  if (detectLocal.mode === "BridgeInterface") return detectLocal.name;
  return detectLocal.mode === "InterfaceNamePrefix" ? `${detectLocal.prefix}0` : undefined;
}

/** Whether `source` is the address that stands for all other hosts. */
export function isAnyHost(source: Address): boolean {
  return source === OUTSIDE[familyOf(source)];
}
