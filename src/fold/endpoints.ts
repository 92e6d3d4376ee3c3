// Which endpoints of a ServicePort get traffic: the ready ones. If all of these have hints, only those near this node. If none is
// ready, those that terminate and still serve. As kube-proxy's CategorizeEndpoints (pkg/proxy/topology.go, 1.37).

import type { Address } from "../nft/data_type.ts";
import type { ServicePort } from "../kube/service_port.ts";
import type { Host, SlicedEndpoints } from "./sliced_endpoints.ts";
import { weighted } from "./weights.ts";

/** What the fold uses of the own node. */
export interface OwnNode {
  /** "" without --node: then no endpoint is local. */
  readonly name: string;
  /** Label topology.kubernetes.io/zone; "" without it. */
  readonly zone: string;
  /** One address a family. NodePorts are served there, and loadBalancerSourceRanges that contain it admit the node. */
  readonly addresses: readonly Address[];
  /** Link-local addresses of the Node object. */
  readonly linkLocal: readonly Address[];
  /** spec.podCIDRs of the Node object. */
  readonly podCIDRs: readonly string[];
}

/** `address . port`: an endpoint as the value of a slot and the member of a list. */
export function joinEndpoint(address: Address, port: number): string {
  return `${address} . ${port}`;
}

/** One endpoint of a ServicePort. */
interface Endpoint {
  readonly text: string;
  readonly host: Host;
  readonly port: number;
}

/** Most ServicePorts have no endpoint on the own node. */
const NONE: readonly never[] = [];

/** Endpoints of a ServicePort by their use, each as {@link joinEndpoint}, sorted. */
export interface Endpoints {
  /** For traffic under Cluster policy, each as often as its weight says. */
  readonly cluster: readonly string[];
  /** The same on the own node, for traffic under Local policy. */
  readonly local: readonly string[];
  /** Whether there is a usable endpoint on any node. */
  readonly any: boolean;
  /** Local endpoints: their pods can reach themselves through the Service. */
  readonly hairpins: readonly { readonly address: Address; readonly port: number }[];
  /** All serving endpoints, ready or not, near or far. A UDP flow that one of them has stays with it. */
  readonly serving: readonly string[];
  /** Addresses of ready endpoints on the own node, whatever the policies. */
  readonly localReady: readonly Address[];
}

/** The endpoints that `slices` have for `port`. */
export function endpointsOf(port: ServicePort, slices: SlicedEndpoints, node: OwnNode): Endpoints {
  const all = [...collect(port, slices, node).values()];
  const uses = listsUsed(port);
  const ready = all.filter(({ host }) => host.ready);
  const own = all.filter(({ host }) => host.local);
  const localReady = own.filter(({ host }) => host.ready);
  const cluster = uses.cluster ? orLingering(hinted(ready, node), all) : [];
  const local = uses.local ? orLingering(localReady, own) : [];
  const reachable = own.length > 0 ? new Set([...cluster, ...local].filter(({ host }) => host.local)) : NONE;
  return {
    cluster: shares(cluster),
    local: shares(local),
    any: all.some(({ host }) => host.ready || host.lingering),
    hairpins: [...reachable].map(({ host, port }) => ({ address: host.address, port })),
    serving: port.protocol === "udp" ? texts(all.filter(({ host }) => host.serving)) : [],
    localReady: localReady.map(({ host }) => host.address),
  };
}

/** `preferred`; where there is none, those of `all` that terminate and still serve. */
function orLingering(preferred: readonly Endpoint[], all: readonly Endpoint[]): readonly Endpoint[] {
  return preferred.length > 0 ? preferred : all.filter(({ host }) => host.lingering);
}

/** Which lists of endpoints the rules of `port` use. */
export function listsUsed(
  { nodePort, externalIPs, internalLocal, externalLocal }: ServicePort,
): { readonly cluster: boolean; readonly local: boolean } {
  const exposed = nodePort !== 0 || externalIPs.length > 0;
  return { cluster: !internalLocal || exposed, local: internalLocal || (externalLocal && exposed) };
}

/** All endpoints that `slices` list for `port`, whatever their conditions, each once as {@link joinEndpoint}. */
export function listedEndpoints(port: ServicePort, slices: SlicedEndpoints): string[] {
  const all = slices.find(port).flatMap(({ slice, number }) =>
    slices.hosts(slice, "").map(({ address }) => joinEndpoint(address, number))
  );
  return [...new Set(all)];
}

function shares(endpoints: readonly Endpoint[]): string[] {
  // Nearly all Services have no weights.
  if (endpoints.every(({ host }) => host.weight === 1)) return texts(endpoints);
  return weighted(endpoints.map(({ text, host: { weight } }) => ({ text, weight })));
}

function texts(endpoints: readonly Endpoint[]): string[] {
  return endpoints.map(({ text }) => text).sort();
}

/** The ready endpoints whose hints name this node or its zone; all ready ones unless every one has hints. */
function hinted(ready: readonly Endpoint[], node: OwnNode): readonly Endpoint[] {
  const forNode = ready.filter(({ host }) => host.nodes.includes(node.name));
  if (node.name !== "" && forNode.length > 0 && ready.every(({ host }) => host.nodes.length > 0)) {
    return forNode;
  }
  const forZone = ready.filter(({ host }) => host.zones.includes(node.zone));
  if (node.zone !== "" && forZone.length > 0 && ready.every(({ host }) => host.zones.length > 0)) {
    return forZone;
  }
  return ready;
}

/** Endpoints by {@link joinEndpoint}. Of an endpoint in two slices the one with the higher rank is used. */
function collect(port: ServicePort, slices: SlicedEndpoints, node: OwnNode): Map<string, Endpoint> {
  const found = new Map<string, Endpoint>();
  for (const { slice, number } of slices.find(port)) {
    for (const host of slices.hosts(slice, node.name)) {
      const text = joinEndpoint(host.address, number);
      const before = found.get(text);
      if (before === undefined || rank(host) > rank(before.host)) {
        found.set(text, { text, host, port: number });
      }
    }
  }
  return found;
}

/** A total order of the hosts of one address: the choice between two slices must not depend on which came first. */
export function rank({ ready, lingering, serving, local, weight, zones, nodes }: Host): string {
  return `${+ready}${+lingering}${+serving}${+local} ${zones.join()} ${nodes.join()} ${weight}`;
}

/** The name of a list of endpoints of `port`: `ip tcp http cluster`. */
export function listName({ family, protocol, portName }: ServicePort, list: "cluster" | "local"): string {
  return `${family} ${protocol} ${portName} ${list}`;
}

/** `ip tcp http`: what the names of both lists of a port have in common. */
export function portOfList(name: string): string {
  return name.slice(0, name.lastIndexOf(" "));
}
