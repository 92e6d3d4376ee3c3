// Which endpoints of a ServicePort get traffic: the ready ones, of those the near ones if all have topology hints, and the
// terminating ones if none is ready. As kube-proxy's CategorizeEndpoints (pkg/proxy/topology.go, 1.37).

import type { Address, Family } from "../nft/data_type.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { EndpointSlice, SliceEndpoint } from "../kube/objects.ts";
import type { ServicePort } from "../kube/service_port.ts";

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

/** The address and port that {@link joinEndpoint} joined. */
export function readEndpoint(text: string): { readonly address: Address; readonly port: number } {
  const at = text.indexOf(" . ");
  return { address: text.slice(0, at) as Address, port: Number(text.slice(at + 3)) };
}

/** One endpoint of a ServicePort. */
interface Endpoint {
  readonly text: string;
  readonly address: Address;
  readonly port: number;
  readonly ready: boolean;
  /** Serving while it terminates: used if no endpoint is ready (KEP-1669). */
  readonly lingering: boolean;
  readonly serving: boolean;
  readonly local: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** Endpoints of a ServicePort by their use, each as {@link joinEndpoint}, sorted. */
export interface Endpoints {
  /** For traffic under Cluster policy. */
  readonly cluster: readonly string[];
  /** On the own node, for traffic under Local policy. */
  readonly local: readonly string[];
  /** Whether there is a usable endpoint on any node. */
  readonly any: boolean;
  /** Local endpoints: their pods can reach themselves through the Service. */
  readonly hairpins: readonly { readonly address: string; readonly port: number }[];
  /** All serving endpoints, ready or not, near or far. A UDP flow that one of them has stays with it. */
  readonly serving: readonly string[];
  /** Addresses of ready endpoints on the own node, whatever the policies. */
  readonly localReady: readonly string[];
}

/** The endpoints that `slices` have for `port`, in any order of the slices. */
export function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[], node: OwnNode): Endpoints {
  const all = [...collect(port, slices, node).values()];
  const exposed = port.nodePort !== 0 || port.externalIPs.length > 0;
  const usesCluster = !port.internalLocal || exposed;
  const usesLocal = port.internalLocal || (port.externalLocal && exposed);
  const ready = all.filter((endpoint) => endpoint.ready);
  const lingering = all.filter((endpoint) => endpoint.lingering);
  const near = hinted(ready, node);
  const cluster = !usesCluster ? [] : near.length > 0 ? near : lingering;
  const localReady = ready.filter((endpoint) => endpoint.local);
  const local = !usesLocal
    ? []
    : localReady.length > 0
    ? localReady
    : lingering.filter((endpoint) => endpoint.local);
  const reachable = [...new Set([...cluster, ...local])];
  return {
    cluster: texts(cluster),
    local: texts(local),
    any: ready.length > 0 || lingering.length > 0,
    hairpins: reachable.filter((endpoint) => endpoint.local),
    serving: port.protocol === "udp" ? texts(all.filter((endpoint) => endpoint.serving)) : [],
    localReady: localReady.map(({ address }) => address),
  };
}

function texts(endpoints: readonly Endpoint[]): string[] {
  return endpoints.map(({ text }) => text).sort();
}

/** The ready endpoints whose hints name this node or its zone; all ready ones unless every one has hints. */
function hinted(ready: readonly Endpoint[], node: OwnNode): readonly Endpoint[] {
  const forNode = ready.filter(({ nodes }) => nodes.includes(node.name));
  if (node.name !== "" && forNode.length > 0 && ready.every(({ nodes }) => nodes.length > 0)) return forNode;
  const forZone = ready.filter(({ zones }) => zones.includes(node.zone));
  if (node.zone !== "" && forZone.length > 0 && ready.every(({ zones }) => zones.length > 0)) return forZone;
  return ready;
}

/** Endpoints by {@link joinEndpoint}. Of an endpoint in two slices the one with the higher rank is used. */
function collect(port: ServicePort, slices: readonly EndpointSlice[], node: OwnNode): Map<string, Endpoint> {
  const addressType = port.family === "ip" ? "IPv4" : "IPv6";
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== addressType) continue;
    for (const number of slicePorts(slice, port)) {
      for (const endpoint of slice.endpoints) {
        addEndpoint(found, endpoint, { family: port.family, number }, node);
      }
    }
  }
  return found;
}

/** Port numbers that `slice` gives for the ServicePort's name and protocol. */
function slicePorts(slice: EndpointSlice, port: ServicePort): number[] {
  return slice.ports
    .filter(({ name, protocol }) =>
      (name ?? "") === port.portName && (protocol ?? "TCP").toLowerCase() === port.protocol
    )
    .flatMap(({ port: number }) => number ? [number] : []);
}

function addEndpoint(
  found: Map<string, Endpoint>,
  endpoint: SliceEndpoint,
  { family, number: port }: { readonly family: Family; readonly number: number },
  node: OwnNode,
): void {
  const address = parseAddress(endpoint.addresses[0] ?? "");
  if (address === undefined || familyOf(address) !== family) return;
  const { ready, serving, terminating } = endpoint.conditions ?? {};
  const text = joinEndpoint(address, port);
  const next: Endpoint = {
    text,
    address,
    port,
    ready: ready !== false,
    serving: serving !== false,
    lingering: ready === false && serving !== false && terminating === true,
    local: node.name !== "" && endpoint.nodeName === node.name,
    zones: endpoint.hints?.forZones?.map(({ name }) => name) ?? [],
    nodes: endpoint.hints?.forNodes?.map(({ name }) => name) ?? [],
  };
  const before = found.get(text);
  if (before === undefined || rank(next) > rank(before)) found.set(text, next);
}

/** A total order: the choice between two slices must not depend on which came first. */
function rank({ ready, lingering, serving, local, zones, nodes }: Endpoint): string {
  return `${+ready}${+lingering}${+serving}${+local} ${zones.join()} ${nodes.join()}`;
}
