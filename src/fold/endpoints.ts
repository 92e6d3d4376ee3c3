// Which endpoints of a ServicePort get traffic: ready ones, near ones where hints say so, terminating ones when there
// are no others. kube-proxy's CategorizeEndpoints (pkg/proxy/topology.go, 1.37).

import type { Address, Family } from "../nft/data_type.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { EndpointSlice, SliceEndpoint } from "../kube/objects.ts";
import type { ServicePort } from "../kube/service_port.ts";

/** What the fold needs to know of the own node. */
export interface OwnNode {
  /** "" when none was given: then no endpoint is local. */
  readonly name: string;
  /** Label topology.kubernetes.io/zone; "" when there is none. */
  readonly zone: string;
  /** One address a family: where NodePorts are served, and what "the node" is in loadBalancerSourceRanges. */
  readonly addresses: readonly Address[];
  /** Link-local addresses that the Node object names. */
  readonly linkLocal: readonly Address[];
  /** spec.podCIDRs of the Node object. */
  readonly podCIDRs: readonly string[];
}

/** One endpoint of a ServicePort. */
interface Endpoint {
  /** `address . port`. */
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  /** Serving while it terminates: used when nothing is ready (KEP-1669). */
  readonly lingering: boolean;
  readonly serving: boolean;
  readonly local: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** Endpoints of a ServicePort by their use, each as `address . port`, sorted. */
export interface Endpoints {
  /** For traffic under Cluster policy. */
  readonly cluster: readonly string[];
  /** On the own node, for traffic under Local policy. */
  readonly local: readonly string[];
  /** Whether there is a usable endpoint anywhere, perhaps not for us. */
  readonly any: boolean;
  /** Local endpoints that a pod can reach itself through. */
  readonly hairpins: readonly { readonly address: string; readonly port: number }[];
  /** All that serve, ready or not, near or far, each as `address . port`: flows they have are theirs to the end. */
  readonly serving: readonly string[];
  /** Addresses of ready endpoints on the own node, whatever the policies. */
  readonly localReady: readonly string[];
}

/** Sorts out the endpoints that `slices` have for `port`. The order of the slices does not matter. */
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

/** Ready endpoints that the hints give to this node; all of them unless every one has hints and one names us. */
function hinted(ready: readonly Endpoint[], node: OwnNode): readonly Endpoint[] {
  const forNode = ready.filter(({ nodes }) => nodes.includes(node.name));
  if (node.name !== "" && forNode.length > 0 && ready.every(({ nodes }) => nodes.length > 0)) return forNode;
  const forZone = ready.filter(({ zones }) => zones.includes(node.zone));
  if (node.zone !== "" && forZone.length > 0 && ready.every(({ zones }) => zones.length > 0)) return forZone;
  return ready;
}

/** Endpoints by `address . port`; of one that is in two slices, the one that serves better counts. */
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
  if (address === null || familyOf(address) !== family) return;
  const { ready, serving, terminating } = endpoint.conditions ?? {};
  const text = `${address} . ${port}`;
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

/** A total order, so that the choice between two slices does not depend on which came first. */
function rank({ ready, lingering, serving, local, zones, nodes }: Endpoint): string {
  return `${+ready}${+lingering}${+serving}${+local} ${zones.join()} ${nodes.join()}`;
}
