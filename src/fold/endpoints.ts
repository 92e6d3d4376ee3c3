// Which endpoints of a ServicePort get traffic: the ready ones. If all of these have hints, only those near this node. If none is
// ready, those that terminate and still serve. As kube-proxy's CategorizeEndpoints (pkg/proxy/topology.go, 1.37).

import type { Address } from "../nft/data_type.ts";
import type { ServicePort } from "../kube/service_port.ts";
import type { Found, Host, SlicedEndpoints } from "./sliced_endpoints.ts";
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
  /** All endpoints that {@link keepsFlows} chooses, near or far. A UDP flow that one of them has stays with it. */
  readonly serving: readonly string[];
  /** Addresses of ready endpoints on the own node, whatever the policies. */
  readonly localReady: readonly Address[];
}

/** The endpoints that `slices` have for `port`. */
export function endpointsOf(port: ServicePort, slices: SlicedEndpoints, node: OwnNode): Endpoints {
  const all = collect(port, slices, node);
  const uses = listsUsed(port);
  const ready = those(all, isReady);
  const own = those(all, isLocal);
  const localReady = those(own, isReady);
  const cluster = uses.cluster ? orLingering(hinted(ready, node), all) : NONE;
  const local = uses.local ? orLingering(localReady, own) : NONE;
  return {
    cluster: shares(cluster),
    local: shares(local),
    any: ready.length > 0 || all.some(isLingering),
    hairpins: own.length === 0 ? NONE : hairpinsOf(cluster, local),
    serving: port.protocol === "udp" ? texts(those(all, ({ host }) => keepsFlows(host))) : NONE,
    localReady: localReady.length === 0 ? NONE : localReady.map(({ host }) => host.address),
  };
}

const isReady = ({ host }: Endpoint) => host.ready;
const isLocal = ({ host }: Endpoint) => host.local;
const isLingering = ({ host }: Endpoint) => host.lingering;

/**
 * Whether flows of `host` go on: it serves, ready or not, or new ones are sent there. With publishNotReadyAddresses an endpoint is
 * ready that does not serve.
 */
export function keepsFlows({ ready, serving }: Host): boolean {
  return serving || ready;
}

/** Those of `all` that `test` chooses. Nearly always it chooses all or none, which makes no new list. */
function those(all: readonly Endpoint[], test: (endpoint: Endpoint) => boolean): readonly Endpoint[] {
  let count = 0;
  for (const one of all) if (test(one)) count++;
  return count === all.length ? all : count === 0 ? NONE : all.filter(test);
}

/** The endpoints on the own node that are in a list, each once. */
function hairpinsOf(cluster: readonly Endpoint[], local: readonly Endpoint[]): Endpoints["hairpins"] {
  const reachable = new Set([...cluster, ...local].filter(isLocal));
  return [...reachable].map(({ host, port }) => ({ address: host.address, port }));
}

/** `preferred`; where there is none, those of `all` that terminate and still serve. */
function orLingering(preferred: readonly Endpoint[], all: readonly Endpoint[]): readonly Endpoint[] {
  return preferred.length > 0 ? preferred : those(all, isLingering);
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

function shares(endpoints: readonly Endpoint[]): readonly string[] {
  // Nearly all Services have no weights.
  if (endpoints.every(hasNoWeight)) return texts(endpoints);
  return weighted(endpoints.map(({ text, host: { weight } }) => ({ text, weight })));
}

const hasNoWeight = ({ host }: Endpoint) => host.weight === 1;

function texts(endpoints: readonly Endpoint[]): readonly string[] {
  if (endpoints.length === 0) return NONE;
  const all = endpoints.map(({ text }) => text);
  // Controllers list them in order, nearly always.
  return isInOrder(all) ? all : all.sort();
}

function isInOrder(texts: readonly string[]): boolean {
  for (let i = 1; i < texts.length; i++) if (texts[i - 1]! > texts[i]!) return false;
  return true;
}

/** The ready endpoints whose hints name this node or its zone; all ready ones unless every one has hints. */
function hinted(ready: readonly Endpoint[], node: OwnNode): readonly Endpoint[] {
  // Where one has no hints at all, those of the others do not count.
  if (ready.some(hasNoHints)) return ready;
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

const hasNoHints = ({ host }: Endpoint) => host.nodes.length + host.zones.length === 0;

/** Up to so many endpoints are compared with each other. */
const COMPARED_MAX = 8;

/** Endpoints, each once. Of an endpoint in two slices the one with the higher rank is used. */
function collect(port: ServicePort, slices: SlicedEndpoints, node: OwnNode): readonly Endpoint[] {
  const found = slices.find(port);
  const endpointsAt = ({ slice, number }: Found) =>
    slices.hosts(slice, node.name).map((host): Endpoint => ({
      text: joinEndpoint(host.address, number),
      host,
      port: number,
    }));
  const listed = found.length === 1 ? endpointsAt(found[0]!) : found.flatMap(endpointsAt);
  return listed.length <= COMPARED_MAX && listed.every(isFirst) ? listed : once(listed);
}

function isFirst({ host: { address }, port }: Endpoint, place: number, all: readonly Endpoint[]): boolean {
  for (let i = 0; i < place; i++) {
    const before = all[i]!;
    if (before.host.address === address && before.port === port) return false;
  }
  return true;
}

function once(listed: readonly Endpoint[]): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const one of listed) {
    const before = found.get(one.text);
    if (before === undefined || rank(one.host) > rank(before.host)) found.set(one.text, one);
  }
  return [...found.values()];
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
