// The packets by which a Service can be judged: from each class of clients to each of its frontends.

import type { ClusterState } from "../fold/cluster_state.ts";
import { familyOf, parseCidr } from "../kube/address.ts";
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

/** A packet from each class of clients to each frontend of a Service. */
export function* packetsTo(state: ClusterState, name: ServiceName): Generator<[ClientClass, Packet]> {
  const service = state.services.get(name);
  if (service === undefined || !isProxied(service)) return;
  for (const port of servicePorts(service, state.node.linkLocal)) {
    const { family, protocol, clusterIP, externalIPs, nodePort } = port;
    const nodes = state.node.addresses.filter((address) => familyOf(address) === family);
    const places = [
      ...[clusterIP, ...externalIPs].map((destination) => ({ destination, port: port.port })),
      ...(nodePort === 0 ? [] : nodes.map((destination) => ({ destination, port: nodePort }))),
    ];
    for (const [client, from] of clientsOf(state, family)) {
      for (const place of places) yield [client, { ...place, ...from, protocol }];
    }
  }
}

/** A source of each class. A class that the node's detector cannot distinguish, or that has no address, is left out. */
function clientsOf(
  state: ClusterState,
  family: Family,
): [ClientClass, Pick<Packet, "source" | "interface">][] {
  const { config, node } = state;
  const { detectLocal } = config;
  const own = nodeAddresses(state.knownNode).find((address) => familyOf(address) === family);
  const block = localCidr(config, node.podCIDRs, family)?.address ??
    node.podCIDRs.map(parseCidr).find((cidr) => cidr?.family === family)?.address;
  const name = detectLocal.mode === "BridgeInterface"
    ? detectLocal.name
    : detectLocal.mode === "InterfaceNamePrefix"
    ? `${detectLocal.prefix}0`
    : undefined;
  const clients: [ClientClass, Pick<Packet, "source" | "interface">][] = [];
  if (block !== undefined) clients.push(["pod", { source: block, ...(name && { interface: name }) }]);
  if (own !== undefined) clients.push(["node", { source: own }]);
  clients.push(["outside", { source: OUTSIDE[family] }]);
  return clients;
}
