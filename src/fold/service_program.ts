// One Service with its EndpointSlices -> the resources it needs. The place where Service semantics live (kube-proxy's
// nftables proxier, 1.37: which frontends there are, and what each leads to).

import { COMMENT_BYTES_MAX, UTF8_BYTES_MAX } from "../limits.ts";
import { cidrText, contains, familyOf } from "../kube/address.ts";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import {
  clusterAddresses,
  isProxied,
  leftOutOf,
  type ServicePort,
  servicePorts,
} from "../kube/service_port.ts";
import type { Address, Family } from "../nft/data_type.ts";
import type { ElementKey } from "../nft/ruleset.ts";
import { type AffinityChain, affinityChain, affinityObjects } from "./affinity.ts";
import { type Endpoints, endpointsOf, type OwnNode } from "./endpoints.ts";
import { pickChain } from "./pick_chains.ts";
import {
  elementResource,
  frontendKey,
  type FrontendKind,
  type FrontendResource,
  type Rank,
  type Resource,
} from "./resource.ts";
import { FIREWALL, PATHS } from "./skeleton.ts";
import { assignSlots, NO_SLOTS, type Slots } from "./slots.ts";

/** What one Service puts into the ruleset. */
export interface ServiceProgram {
  /** What the Service object alone decides; absent where there is none. */
  readonly shape?: ServiceShape;
  /** Resources by `claim`. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Slots of each ServicePort's lists, which all its frontends share, by family, protocol, port name and list. */
  readonly slots: ReadonlyMap<string, Slots>;
  /** Endpoints beyond the largest slot class, by ServicePort name and family; they get no traffic. */
  readonly omitted: ReadonlyMap<string, number>;
  /** Its UDP frontends, by `claim`; empty for most Services. */
  readonly udp: ReadonlyMap<string, UdpFrontend>;
  /** Once for each list that is empty only because its policy is Local. */
  readonly withoutLocal: readonly WithoutLocal[];
  /** What of the Service is left out, for people. */
  readonly leftOut: readonly string[];
  /** What the load balancer may ask this node about the Service; absent where it does not ask. */
  readonly healthCheck?: HealthCheck;
}

/** What follows from a Service object, whatever its endpoints: most events are about those. */
interface ServiceShape {
  readonly service: Service;
  /** What it was made for beside the object. */
  readonly ownLinkLocal: readonly Address[];
  readonly leftOut: readonly string[];
  readonly clusterIPs: readonly Resource[];
  readonly ports: readonly PortShape[];
}

/** A ServicePort and its frontends, which nothing stands behind yet. */
interface PortShape {
  readonly port: ServicePort;
  readonly internal: FrontendResource;
  readonly addresses: readonly FrontendResource[];
  readonly nodePort: FrontendResource | undefined;
  /** Names of its lists in `ServiceProgram.slots`. */
  readonly lists: { readonly cluster: string; readonly local: string };
}

/** A UDP frontend and all who serve it: connection tracking remembers who answered, whatever the rules say by now. */
export interface UdpFrontend {
  readonly family: Family;
  /** undefined for a NodePort. */
  readonly address: Address | undefined;
  readonly port: number;
  /** Each `address . port`. */
  readonly serving: readonly string[];
}

/** A ServicePort that has endpoints, and none on the own node where a policy wants them. */
export type WithoutLocal = `${"internal" | "external"} ${Family}`;

/** healthCheckNodePort of a LoadBalancer Service under Local policy. */
export interface HealthCheck {
  readonly port: number;
  /** Addresses of ready endpoints on the own node, over all ports. */
  readonly localEndpoints: number;
}

/** A Service that does not exist. */
export const NO_PROGRAM: ServiceProgram = {
  resources: new Map(),
  slots: new Map(),
  omitted: new Map(),
  udp: new Map(),
  withoutLocal: [],
  leftOut: [],
};

/** What beside its own objects decides a Service's rules. */
export interface Surroundings {
  readonly node: OwnNode;
  /** The bit that asks for masquerading. */
  readonly mark: number;
}

/** What the frontends of one ServicePort share. */
interface Backing {
  readonly port: ServicePort;
  readonly shape: PortShape;
  readonly endpoints: Endpoints;
  readonly cluster: Slots;
  readonly local: Slots;
  readonly node: OwnNode;
}

/**
 * The program of `service`, given the one before (for its slots). `slices` are all slices of the Service; their order
 * does not matter.
 */
export function serviceProgram(
  service: Service,
  slices: Iterable<EndpointSlice>,
  previous: ServiceProgram,
  surroundings: Surroundings,
): ServiceProgram {
  if (!isProxied(service)) return NO_PROGRAM;
  const { linkLocal } = surroundings.node;
  const { shape: before } = previous;
  const known = before?.service === service && sameAddresses(before.ownLinkLocal, linkLocal);
  const shape = known ? before : shapeOf(service, linkLocal);
  const resources = new Map<string, Resource>();
  const slots = new Map<string, Slots>();
  const omitted: [string, number][] = [];
  const ready: string[] = [];
  const udp: [string, UdpFrontend][] = [];
  const withoutLocal: WithoutLocal[] = [];
  // The first of two equal frontends counts: an external IP that is the cluster IP stays the cluster IP.
  const add = (resource: Resource) => {
    if (!resources.has(resource.claim)) resources.set(resource.claim, resource);
  };
  const all = [...slices];
  shape.clusterIPs.forEach(add);
  for (const portShape of shape.ports) {
    const { port, lists } = portShape;
    const endpoints = endpointsOf(port, all, surroundings.node);
    const assigned = (list: "cluster" | "local") => {
      const now = assignSlots(previous.slots.get(lists[list]) ?? NO_SLOTS, endpoints[list]);
      if (now.endpoints.length > 0) slots.set(lists[list], now);
      return now;
    };
    const [cluster, local] = [assigned("cluster"), assigned("local")];
    addFrontends({ port, shape: portShape, endpoints, cluster, local, node: surroundings.node }, add);
    for (const endpoint of endpoints.hairpins) add(hairpin(port, endpoint));
    if (port.affinitySeconds > 0) {
      affinityObjects(port, cluster.endpoints, local.endpoints, surroundings.mark).forEach(add);
    }
    if (port.protocol === "udp") udp.push(...udpFrontends(port, endpoints.serving));
    ready.push(...endpoints.localReady);
    if (endpoints.any && endpoints.local.length === 0) {
      if (port.internalLocal) withoutLocal.push(`internal ${port.family}`);
      if (port.externalLocal) withoutLocal.push(`external ${port.family}`);
    }
    const left = endpoints.cluster.length - cluster.endpoints.length + endpoints.local.length -
      local.endpoints.length;
    if (left > 0) omitted.push([`${port.name} ${port.family}`, left]);
  }
  const healthCheck = healthCheckOf(service, ready);
  return {
    shape,
    resources,
    slots,
    omitted: omitted.length === 0 ? NO_PROGRAM.omitted : new Map(omitted),
    udp: udp.length === 0 ? NO_PROGRAM.udp : new Map(udp),
    withoutLocal,
    leftOut: shape.leftOut,
    ...(healthCheck === undefined ? {} : { healthCheck }),
  };
}

function sameAddresses(a: readonly Address[], b: readonly Address[]): boolean {
  return a === b || a.join() === b.join();
}

function shapeOf(service: Service, ownLinkLocal: readonly Address[]): ServiceShape {
  return {
    service,
    ownLinkLocal,
    leftOut: leftOutOf(service, ownLinkLocal),
    clusterIPs: clusterAddresses(service).map((address) => clusterIP(service, address)),
    ports: servicePorts(service, ownLinkLocal).map(portShapeOf),
  };
}

function portShapeOf(port: ServicePort): PortShape {
  const list = `${port.family} ${port.protocol} ${port.portName}`;
  return {
    port,
    internal: addressFrontend(port, port.clusterIP, 0),
    addresses: port.externalIPs.map((address) =>
      addressFrontend(port, address, port.balancerIPs.includes(address) ? 1 : 2)
    ),
    nodePort: port.nodePort === 0
      ? undefined
      : bareFrontend(port, "nodeport", `${port.protocol} . ${port.nodePort}`),
    lists: { cluster: `${list} cluster`, local: `${list} local` },
  };
}

function udpFrontends(port: ServicePort, serving: readonly string[]): [string, UdpFrontend][] {
  const { family } = port;
  const frontends = [port.clusterIP, ...port.externalIPs].map((address): [string, UdpFrontend] => [
    frontendKey(family, addressKey(port, address)),
    { family, address, port: port.port, serving },
  ]);
  if (port.nodePort === 0) return frontends;
  const nodePort = { family, address: undefined, port: port.nodePort, serving };
  return [...frontends, [frontendKey(family, `udp . ${port.nodePort}`), nodePort]];
}

function healthCheckOf({ spec }: Service, ready: readonly string[]): HealthCheck | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort } = spec;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || !healthCheckNodePort) return undefined;
  return { port: healthCheckNodePort, localEndpoints: new Set(ready).size };
}

/** Names a ServicePort in a comment: `shop/web:http`, cut at a character to what the kernel takes. */
export function commentOf(name: string): string {
  if (name.length * UTF8_BYTES_MAX <= COMMENT_BYTES_MAX) return name;
  let text = name;
  while (new TextEncoder().encode(text).length > COMMENT_BYTES_MAX) text = text.slice(0, -1);
  return text;
}

function clusterIP(service: Service, address: Address): Resource {
  const comment = commentOf(`${service.metadata.namespace}/${service.metadata.name}`);
  const element = { key: address as string as ElementKey, comment };
  return elementResource(PATHS[familyOf(address)]["cluster-ips"], element);
}

/** A pod that reaches itself through a Service must see another source than its own address. */
function hairpin(port: ServicePort, endpoint: { readonly address: string; readonly port: number }): Resource {
  const key = `${endpoint.address} . ${endpoint.address} . ${port.protocol} . ${endpoint.port}` as ElementKey;
  return elementResource(PATHS[port.family]["hairpin-connections"], { key });
}

/** Cluster IP, external addresses and NodePort of one ServicePort. */
function addFrontends(backing: Backing, add: (resource: Resource) => void): void {
  const { port, shape } = backing;
  add(internal(backing));
  const open = port.externalLocal ? externalLocal : externalCluster;
  shape.addresses.forEach((bare, i) => add(open(backing, bare, port.externalIPs[i])));
  if (shape.nodePort) add(open(backing, shape.nodePort, undefined));
}

function addressKey(port: ServicePort, address: Address): string {
  return `${address} . ${port.protocol} . ${port.port}`;
}

/** The cluster IP has one list: under Local policy that of the own node. */
function internal(backing: Backing): FrontendResource {
  const { port, shape, cluster, local } = backing;
  const list = port.internalLocal ? local : cluster;
  const chain = port.internalLocal ? "local" : "service";
  return {
    ...shape.internal,
    verdicts: list.endpoints.length > 0
      ? { serve: lead(backing, chain, "pick", list) }
      : { refuse: refusal(backing) },
    slots: slotsFor(port, list),
  };
}

/** externalTrafficPolicy Cluster: all endpoints, masqueraded so that the answer comes back through this node. */
function externalCluster(
  backing: Backing,
  bare: FrontendResource,
  address: Address | undefined,
): FrontendResource {
  const { port, cluster } = backing;
  const flavour = bare.at === "nodeport" ? "external-nodeport-pick" : "external-pick";
  const served = cluster.endpoints.length > 0
    ? { serve: lead(backing, "external", flavour, cluster) }
    : { refuse: refusal(backing) };
  return external(backing, bare, address, served, slotsFor(port, cluster), NO_SLOTS);
}

/**
 * externalTrafficPolicy Local: pods and the node meet all endpoints, everyone else the local ones. Without local ones
 * the frontend is in both maps: what is not short-circuited goes untranslated and is dropped.
 */
function externalLocal(
  backing: Backing,
  bare: FrontendResource,
  address: Address | undefined,
): FrontendResource {
  const { port, cluster, local, endpoints } = backing;
  const [chain, pick] = bare.at === "nodeport"
    ? ["nodeport-local", "nodeport-pick"]
    : ["external-local", "pick"];
  const hasLocal = local.endpoints.length > 0;
  const verdicts = {
    ...(endpoints.any ? { serve: `goto ${chain}` } : {}),
    ...(hasLocal ? { local: lead(backing, "local", `local-${pick}`, local) } : { refuse: refusal(backing) }),
    ...(cluster.endpoints.length > 0 ? { policy: lead(backing, "service", pick!, cluster) } : {}),
  };
  return external(backing, bare, address, verdicts, slotsFor(port, cluster), slotsFor(port, local));
}

/** A frontend for traffic from outside; on an address of the load balancer its source ranges are in force. */
function external(
  { port, node }: Backing,
  bare: FrontendResource,
  address: Address | undefined,
  verdicts: FrontendResource["verdicts"],
  slots: Slots,
  localSlots: Slots,
): FrontendResource {
  const one = { ...bare, verdicts, slots, localSlots };
  const guarded = address !== undefined && port.balancerIPs.includes(address) && port.sourceRanges.length > 0;
  if (!guarded) return one;
  const { sourceRanges, balancerIPs } = port;
  // A node that may come has the address of the balancer as its source where that address is its own.
  const nodeMayCome = node.addresses.some((own) => sourceRanges.some((range) => contains(range, own)));
  const extra = nodeMayCome
    ? balancerIPs.filter((vip) => !sourceRanges.some((range) => contains(range, vip)))
    : [];
  return {
    ...one,
    verdicts: { ...verdicts, guard: `goto ${FIREWALL}` },
    sources: [...sourceRanges.map(cidrText), ...extra],
  };
}

function addressFrontend(port: ServicePort, address: Address, rank: Rank): FrontendResource {
  return { ...bareFrontend(port, "address", addressKey(port, address)), address, rank };
}

function bareFrontend(port: ServicePort, at: FrontendKind, key: string): FrontendResource {
  const { family } = port;
  return {
    kind: "frontend",
    claim: frontendKey(family, key),
    at,
    family,
    rank: 0,
    frontend: key,
    comment: commentOf(port.name),
    verdicts: {},
    sources: [],
    slots: NO_SLOTS,
    localSlots: NO_SLOTS,
  };
}

/** To the ServicePort's own chain where it has affinity, else to the pick chain of `flavour`. */
function lead({ port }: Backing, chain: AffinityChain, flavour: string, slots: Slots): string {
  const target = port.affinitySeconds > 0 ? affinityChain(chain, port) : pickChain(flavour, slots.slotClass);
  return `goto ${target}`;
}

/** Chains of affinity name their endpoints themselves. */
function slotsFor(port: ServicePort, slots: Slots): Slots {
  return port.affinitySeconds > 0 ? NO_SLOTS : slots;
}

/** Nobody serves it: refused. Somebody does, but not for us: dropped, as the balancer should not have come here. */
function refusal({ endpoints }: Backing): string {
  return endpoints.any ? "drop" : "goto reject-chain";
}
