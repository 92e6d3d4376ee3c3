// One Service with its EndpointSlices -> the resources it needs. The place where Service semantics live (kube-proxy's
// nftables proxier, 1.37: which frontends there are, and what each leads to).

import { COMMENT_BYTES_MAX } from "../limits.ts";
import { cidrText, contains, familyOf } from "../kube/address.ts";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import { clusterAddresses, isProxied, type ServicePort, servicePorts } from "../kube/service_port.ts";
import type { Address, Family } from "../nft/data_type.ts";
import type { ElementKey } from "../nft/ruleset.ts";
import { type AffinityChain, affinityChain, affinityObjects } from "./affinity.ts";
import { type Endpoints, endpointsOf, type OwnNode } from "./endpoints.ts";
import { pickChain } from "./pick_chains.ts";
import {
  frontendKey,
  type FrontendKind,
  type FrontendResource,
  type Resource,
  resourceKey,
} from "./resource.ts";
import { FIREWALL, PATHS } from "./skeleton.ts";
import { assignSlots, NO_SLOTS, type Slots } from "./slots.ts";

/** What one Service puts into the ruleset. */
export interface ServiceProgram {
  /** Resources by `resourceKey`. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Slots of each ServicePort's lists, which all its frontends share, by family, protocol, port name and list. */
  readonly slots: ReadonlyMap<string, Slots>;
  /** Endpoints beyond the largest slot class, by ServicePort name and family; they get no traffic. */
  readonly omitted: ReadonlyMap<string, number>;
  /** Its UDP frontends, by `resourceKey`; empty for most Services. */
  readonly udp: ReadonlyMap<string, UdpFrontend>;
  /** Once for each list that is empty only because its policy is Local. */
  readonly withoutLocal: readonly WithoutLocal[];
  /** What the load balancer may ask this node about the Service; absent where it does not ask. */
  readonly healthCheck?: HealthCheck;
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
  const resources = new Map<string, Resource>();
  const slots = new Map<string, Slots>();
  const omitted = new Map<string, number>();
  const ready = new Set<string>();
  const udp = new Map<string, UdpFrontend>();
  const withoutLocal: WithoutLocal[] = [];
  // The first of two equal frontends counts: an external IP that is the cluster IP stays the cluster IP.
  const add = (resource: Resource) => {
    const key = resourceKey(resource);
    if (!resources.has(key)) resources.set(key, resource);
  };
  const all = [...slices];
  for (const address of clusterAddresses(service)) add(clusterIP(service, address));
  for (const port of servicePorts(service)) {
    const endpoints = endpointsOf(port, all, surroundings.node);
    const assigned = (list: "cluster" | "local") => {
      const key = `${port.family} ${port.protocol} ${port.portName} ${list}`;
      const now = assignSlots(previous.slots.get(key) ?? NO_SLOTS, endpoints[list]);
      if (now.endpoints.length > 0) slots.set(key, now);
      return now;
    };
    const backing = {
      port,
      endpoints,
      cluster: assigned("cluster"),
      local: assigned("local"),
      node: surroundings.node,
    };
    if (port.protocol === "udp") addUdpFrontends(udp, port, endpoints.serving);
    for (const resource of frontends(backing)) add(resource);
    for (const endpoint of endpoints.hairpins) add(hairpin(port, endpoint));
    if (port.affinitySeconds > 0) {
      const { cluster, local } = backing;
      for (const object of affinityObjects(port, cluster.endpoints, local.endpoints, surroundings.mark)) {
        add(object);
      }
    }
    for (const address of endpoints.localReady) ready.add(address);
    if (endpoints.any && endpoints.local.length === 0) {
      if (port.internalLocal) withoutLocal.push(`internal ${port.family}`);
      if (port.externalLocal) withoutLocal.push(`external ${port.family}`);
    }
    const left = endpoints.cluster.length - backing.cluster.endpoints.length + endpoints.local.length -
      backing.local.endpoints.length;
    if (left > 0) omitted.set(`${port.name} ${port.family}`, left);
  }
  const healthCheck = healthCheckOf(service, ready.size);
  return {
    resources,
    slots,
    omitted,
    udp,
    withoutLocal,
    ...(healthCheck === undefined ? {} : { healthCheck }),
  };
}

function addUdpFrontends(udp: Map<string, UdpFrontend>, port: ServicePort, serving: readonly string[]): void {
  const { family } = port;
  for (const address of [port.clusterIP, ...port.externalIPs]) {
    udp.set(frontendKey(family, addressKey(port, address)), { family, address, port: port.port, serving });
  }
  if (port.nodePort !== 0) {
    udp.set(frontendKey(family, `udp . ${port.nodePort}`), {
      family,
      address: undefined,
      port: port.nodePort,
      serving,
    });
  }
}

function healthCheckOf({ spec }: Service, localEndpoints: number): HealthCheck | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort } = spec;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || !healthCheckNodePort) return undefined;
  return { port: healthCheckNodePort, localEndpoints };
}

/** Names a ServicePort in a comment: `shop/web:http`, cut at a character to what the kernel takes. */
export function commentOf(name: string): string {
  let text = name;
  while (new TextEncoder().encode(text).length > COMMENT_BYTES_MAX) text = text.slice(0, -1);
  return text;
}

function clusterIP(service: Service, address: Address): Resource {
  const comment = commentOf(`${service.metadata.namespace}/${service.metadata.name}`);
  const element = { key: address as string as ElementKey, comment };
  return { kind: "element", path: PATHS[familyOf(address)]["cluster-ips"], element };
}

/** A pod that reaches itself through a Service must see another source than its own address. */
function hairpin(port: ServicePort, endpoint: { readonly address: string; readonly port: number }): Resource {
  const key = `${endpoint.address} . ${endpoint.address} . ${port.protocol} . ${endpoint.port}` as ElementKey;
  return { kind: "element", path: PATHS[port.family]["hairpin-connections"], element: { key } };
}

/** Cluster IP, external addresses and NodePort of one ServicePort. */
function frontends(backing: Backing): FrontendResource[] {
  const { port } = backing;
  const open = port.externalLocal ? externalLocal : externalCluster;
  return [
    internal(backing),
    ...port.externalIPs.map((address) => open(backing, "address", address)),
    ...(port.nodePort === 0 ? [] : [open(backing, "nodeport", undefined)]),
  ];
}

function addressKey(port: ServicePort, address: Address): string {
  return `${address} . ${port.protocol} . ${port.port}`;
}

/** The cluster IP has one list: under Local policy that of the own node. */
function internal(backing: Backing): FrontendResource {
  const { port, cluster, local } = backing;
  const list = port.internalLocal ? local : cluster;
  const chain = port.internalLocal ? "local" : "service";
  return {
    ...frontend(backing, "address", addressKey(port, port.clusterIP)),
    verdicts: list.endpoints.length > 0
      ? { serve: lead(backing, chain, "pick", list) }
      : { refuse: refusal(backing) },
    slots: slotsFor(port, list),
  };
}

/** externalTrafficPolicy Cluster: all endpoints, masqueraded so that the answer comes back through this node. */
function externalCluster(backing: Backing, at: FrontendKind, address: Address | undefined): FrontendResource {
  const { port, cluster } = backing;
  const flavour = at === "nodeport" ? "external-nodeport-pick" : "external-pick";
  const served = cluster.endpoints.length > 0
    ? { serve: lead(backing, "external", flavour, cluster) }
    : { refuse: refusal(backing) };
  return external(backing, at, address, served, slotsFor(port, cluster), NO_SLOTS);
}

/**
 * externalTrafficPolicy Local: pods and the node meet all endpoints, everyone else the local ones. Without local ones
 * the frontend is in both maps: what is not short-circuited goes untranslated and is dropped.
 */
function externalLocal(backing: Backing, at: FrontendKind, address: Address | undefined): FrontendResource {
  const { port, cluster, local, endpoints } = backing;
  const [chain, pick] = at === "nodeport" ? ["nodeport-local", "nodeport-pick"] : ["external-local", "pick"];
  const hasLocal = local.endpoints.length > 0;
  const verdicts = {
    ...(endpoints.any ? { serve: `goto ${chain}` } : {}),
    ...(hasLocal ? { local: lead(backing, "local", `local-${pick}`, local) } : { refuse: refusal(backing) }),
    ...(cluster.endpoints.length > 0 ? { policy: lead(backing, "service", pick!, cluster) } : {}),
  };
  return external(backing, at, address, verdicts, slotsFor(port, cluster), slotsFor(port, local));
}

/** A frontend for traffic from outside; on an address of the load balancer its source ranges are in force. */
function external(
  backing: Backing,
  at: FrontendKind,
  address: Address | undefined,
  verdicts: FrontendResource["verdicts"],
  slots: Slots,
  localSlots: Slots,
): FrontendResource {
  const { port, node } = backing;
  const key = address === undefined ? `${port.protocol} . ${port.nodePort}` : addressKey(port, address);
  const one = { ...frontend(backing, at, key), verdicts, slots, localSlots };
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

function frontend({ port }: Backing, at: FrontendKind, key: string): FrontendResource {
  const { family } = port;
  const comment = commentOf(port.name);
  return {
    kind: "frontend",
    at,
    family,
    frontend: key,
    comment,
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
