// One Service with its EndpointSlices -> the resources it needs. The place where Service semantics live (kube-proxy's
// nftables proxier, 1.37: which frontends there are, and what each leads to).

import { COMMENT_BYTES_MAX } from "../limits.ts";
import { familyOf } from "../kube/address.ts";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import { clusterAddresses, isProxied, type ServicePort, servicePorts } from "../kube/service_port.ts";
import type { Address } from "../nft/data_type.ts";
import type { ElementKey } from "../nft/ruleset.ts";
import { type Endpoints, endpointsOf, type OwnNode } from "./endpoints.ts";
import { pickChain } from "./pick_chains.ts";
import { type FrontendKind, type FrontendResource, type Resource, resourceKey } from "./resource.ts";
import { PATHS } from "./skeleton.ts";
import { assignSlots, NO_SLOTS, type Slots } from "./slots.ts";

/** What one Service puts into the ruleset. */
export interface ServiceProgram {
  /** Resources by `resourceKey`. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Slots of each ServicePort's lists, which all its frontends share, by family, protocol, port name and list. */
  readonly slots: ReadonlyMap<string, Slots>;
  /** Endpoints beyond the largest slot class, by ServicePort name and family; they get no traffic. */
  readonly omitted: ReadonlyMap<string, number>;
}

/** A Service that does not exist. */
export const NO_PROGRAM: ServiceProgram = { resources: new Map(), slots: new Map(), omitted: new Map() };

/** What the frontends of one ServicePort share. */
interface Backing {
  readonly port: ServicePort;
  readonly endpoints: Endpoints;
  readonly cluster: Slots;
  readonly local: Slots;
}

/**
 * The program of `service`, given the one before (for its slots) and the own node. `slices` are all slices of the
 * Service; their order does not matter.
 */
export function serviceProgram(
  service: Service,
  slices: Iterable<EndpointSlice>,
  previous: ServiceProgram,
  node: OwnNode,
): ServiceProgram {
  if (!isProxied(service)) return NO_PROGRAM;
  const resources = new Map<string, Resource>();
  const slots = new Map<string, Slots>();
  const omitted = new Map<string, number>();
  // The first of two equal frontends counts: an external IP that is the cluster IP stays the cluster IP.
  const add = (resource: Resource) => {
    const key = resourceKey(resource);
    if (!resources.has(key)) resources.set(key, resource);
  };
  const all = [...slices];
  for (const address of clusterAddresses(service)) add(clusterIP(service, address));
  for (const port of servicePorts(service)) {
    const endpoints = endpointsOf(port, all, node);
    const assigned = (list: "cluster" | "local") => {
      const key = `${port.family} ${port.protocol} ${port.portName} ${list}`;
      const now = assignSlots(previous.slots.get(key) ?? NO_SLOTS, endpoints[list]);
      if (now.endpoints.length > 0) slots.set(key, now);
      return now;
    };
    const backing = { port, endpoints, cluster: assigned("cluster"), local: assigned("local") };
    for (const frontend of frontends(backing)) add(frontend);
    for (const endpoint of endpoints.hairpins) add(hairpin(port, endpoint));
    const left = endpoints.cluster.length - backing.cluster.endpoints.length + endpoints.local.length -
      backing.local.endpoints.length;
    if (left > 0) omitted.set(`${port.name} ${port.family}`, left);
  }
  return { resources, slots, omitted };
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
  const external = port.externalLocal ? externalLocal : externalCluster;
  const nodePort = port.nodePort === 0
    ? []
    : [external(backing, "nodeport", `${port.protocol} . ${port.nodePort}`)];
  return [
    internal(backing),
    ...port.externalIPs.map((address) => external(backing, "address", addressKey(port, address))),
    ...nodePort,
  ];
}

function addressKey(port: ServicePort, address: Address): string {
  return `${address} . ${port.protocol} . ${port.port}`;
}

/** The cluster IP has one list: under Local policy that of the own node. */
function internal(backing: Backing): FrontendResource {
  const { port, cluster, local } = backing;
  const slots = port.internalLocal ? local : cluster;
  return {
    ...frontend(backing, "address", addressKey(port, port.clusterIP)),
    verdicts: slots.endpoints.length > 0 ? { serve: goTo("pick", slots) } : { refuse: refusal(backing) },
    slots,
  };
}

/** externalTrafficPolicy Cluster: all endpoints, masqueraded so that the answer comes back through this node. */
function externalCluster(backing: Backing, at: FrontendKind, key: string): FrontendResource {
  const { cluster } = backing;
  const served = cluster.endpoints.length > 0;
  const flavour = at === "nodeport" ? "external-nodeport-pick" : "external-pick";
  return {
    ...frontend(backing, at, key),
    verdicts: served ? { serve: goTo(flavour, cluster) } : { refuse: refusal(backing) },
    slots: cluster,
  };
}

/**
 * externalTrafficPolicy Local: pods and the node meet all endpoints, everyone else the local ones. Without local ones
 * the frontend is in both maps: what is not short-circuited goes untranslated and is dropped.
 */
function externalLocal(backing: Backing, at: FrontendKind, key: string): FrontendResource {
  const { cluster, local, endpoints } = backing;
  const [chain, pick] = at === "nodeport" ? ["nodeport-local", "nodeport-pick"] : ["external-local", "pick"];
  const hasLocal = local.endpoints.length > 0;
  return {
    ...frontend(backing, at, key),
    verdicts: {
      ...(endpoints.any ? { serve: `goto ${chain}` } : {}),
      ...(hasLocal ? { local: goTo(`local-${pick}`, local) } : { refuse: refusal(backing) }),
      ...(cluster.endpoints.length > 0 ? { policy: goTo(pick!, cluster) } : {}),
    },
    slots: cluster,
    localSlots: local,
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
    slots: NO_SLOTS,
    localSlots: NO_SLOTS,
  };
}

function goTo(flavour: string, slots: Slots): string {
  return `goto ${pickChain(flavour, slots.slotClass)}`;
}

/** Nobody serves it: refused. Somebody does, but not for us: dropped, as the balancer should not have come here. */
function refusal({ endpoints }: Backing): string {
  return endpoints.any ? "drop" : "goto reject-chain";
}
