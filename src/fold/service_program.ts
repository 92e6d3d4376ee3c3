// From a Service and its EndpointSlices to the resources it needs: which frontends there are and where each leads. What a
// Service means is decided here and nowhere else, as in kube-proxy's nftables proxier (pkg/proxy/nftables/proxier.go, 1.37).

import { cidrText, contains, familyOf } from "../kube/address.ts";
import { choiceProblem } from "../kube/client_choice.ts";
import type { Service } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { clusterAddresses, isProxied, type ServicePort } from "../kube/service_port.ts";
import type { Address, Family } from "../nft/data_type.ts";
import { isShort, pinningResources, roundedTimeout } from "./affinity.ts";
import { type AssignedEndpoints, assignedEndpoints } from "./assigned_endpoints.ts";
import { choiceOf, choiceResources } from "./choice_chains.ts";
import type { OwnNode } from "./endpoints.ts";
import { lead, type LeadKind, pinnedLead } from "./leads.ts";
import type { PinnedEndpoints } from "./pinned_endpoints.ts";
import { frontendClaim, type FrontendResource } from "./resource.ts";
import type { ServiceIndex } from "./service_index.ts";
import { ServiceResources } from "./service_resources.ts";
import {
  addressKey,
  isShapeOf,
  nodePortKey,
  type PortShape,
  type ServiceShape,
  shapeOf,
} from "./service_shape.ts";
import type { SlicedEndpoints } from "./sliced_endpoints.ts";
import { NO_SLOTS, type Slots } from "./slots.ts";
import { SmallMap } from "./small_map.ts";
import { guardChain, guardResource } from "./source_ranges.ts";

/** Slots by the names of their lists. */
interface SlotsByList extends Iterable<readonly [string, Slots]> {
  readonly size: number;
  get(list: string): Slots | undefined;
  has(list: string): boolean;
  values(): Iterable<Slots>;
}

/** What one Service puts into the ruleset, and what is reported about it. */
export interface ServiceProgram {
  /** What follows from the Service object alone; absent where there is none. */
  readonly shape?: ServiceShape;
  /** About how many elements it has, as `serviceSize` counts them; 0 where nothing is counted. */
  readonly size: number;
  /** Its resources. */
  readonly resources: ServiceResources;
  /** Slots of each ServicePort's lists of endpoints, by `PortShape.lists`. All its frontends share them. */
  readonly slots: SlotsByList;
  /** How many endpoints have no slot and so get no traffic, by ServicePort name and family. */
  readonly omitted: ReadonlyMap<string, number>;
  /** Its UDP frontends, by `claim`; empty for most Services. */
  readonly udp: ReadonlyMap<string, UdpFrontend>;
  /** One entry for each list of endpoints that is empty because its policy is Local. */
  readonly withoutLocal: readonly WithoutLocal[];
  /** Parts of the Service that are left out, as text. */
  readonly leftOut: readonly string[];
  /** What this node answers to the load balancer's health checks; absent where there are none. */
  readonly healthCheck?: HealthCheck;
}

/**
 * A UDP frontend and the endpoints that serve it. Connection tracking sends later packets of a flow to the endpoint of the
 * first, whatever the rules are by then; see `FoldChanges.staleFlows`.
 */
export interface UdpFrontend {
  readonly family: Family;
  /** undefined for a NodePort. */
  readonly address: Address | undefined;
  readonly port: number;
  /** Each `address . port`. */
  readonly serving: readonly string[];
}

/** The policy and family of a ServicePort that has endpoints, but none on the own node, where the policy requires them. */
export type WithoutLocal = `${"internal" | "external"} ${Family}`;

/** healthCheckNodePort of a LoadBalancer Service under Local policy. */
export interface HealthCheck {
  readonly port: number;
  readonly localEndpoints: LocalEndpoints;
}

/** How many addresses of ready endpoints the own node has, over all ports; absent for a family that the Service does not have. */
export type LocalEndpoints = Readonly<Partial<Record<Family, number>>>;

/** Most Services have no address but their cluster IP, and most of their lists are this one. */
const NONE: readonly never[] = [];

/** A Service that does not exist. */
export const NO_PROGRAM: ServiceProgram = {
  size: 0,
  resources: new ServiceResources(),
  slots: new Map(),
  omitted: new Map(),
  udp: new Map(),
  withoutLocal: [],
  leftOut: [],
};

/** What decides a Service's rules beside its own objects. */
export interface ProgramContext {
  readonly node: OwnNode;
  /** Whether timeouts of affinity are rounded up; see {@link roundedTimeout}. */
  readonly roundsTimeouts: boolean;
}

/** A ServicePort with its endpoints in their slots, which all its frontends share. */
interface PortProgram extends Pick<AssignedEndpoints, "cluster" | "local" | "any" | "pinned"> {
  readonly port: ServicePort;
  readonly shape: PortShape;
  readonly node: OwnNode;
}

/** What a program is made from. */
export interface ProgramInput {
  readonly service: Service;
  readonly name: ServiceName;
  /** All slices of the Service. */
  readonly slices: SlicedEndpoints;
  /** Its endpoints as they were, where they are kept. */
  readonly index?: ServiceIndex | undefined;
  /** Its program so far: an endpoint keeps the slot it has there. */
  readonly previous: ServiceProgram;
  readonly context: ProgramContext;
  /** As `serviceSize` counts it; 0 for a small Service, which is not counted. */
  readonly size: number;
}

/** A program that is being made. */
interface Draft {
  readonly input: ProgramInput;
  readonly shape: ServiceShape;
  readonly resources: ServiceResources;
  readonly slots: SmallMap<string, Slots>;
  /** These are absent until there are some: most Services have none. */
  omitted?: [string, number][];
  ready?: Address[];
  udp?: [string, UdpFrontend][];
  withoutLocal?: WithoutLocal[];
}

/** The program of a Service. It is made port by port; after each port the endpoints that it cost are yielded. */
export function* makeProgram(input: ProgramInput): Generator<number, ServiceProgram> {
  const draft = newDraft(input);
  if (draft === undefined) return NO_PROGRAM;
  const { shape } = draft;
  yield shape === input.previous.shape ? 0 : PORT_COST * shape.ports.length;
  for (const port of shape.ports) yield addPort(draft, port);
  return finished(draft);
}

/** As {@link makeProgram}, at once: a generator takes longer than a small Service. */
export function wholeProgram(input: ProgramInput): ServiceProgram {
  const draft = newDraft(input);
  if (draft === undefined) return NO_PROGRAM;
  for (const port of draft.shape.ports) addPort(draft, port);
  return finished(draft);
}

/** undefined for a Service that has no rules. */
function newDraft(input: ProgramInput): Draft | undefined {
  const { service, name, previous: { shape: before }, context: { node: { linkLocal } } } = input;
  if (!isProxied(service)) return undefined;
  const shape = isShapeOf(before, service, linkLocal) ? before : shapeOf(service, linkLocal, name);
  const resources = new ServiceResources();
  for (const clusterIP of shape.clusterIPs) resources.add(clusterIP);
  return { input, shape, resources, slots: new SmallMap() };
}

/** Adds a port, and returns what that cost, in endpoints. */
function addPort(draft: Draft, portShape: PortShape): number {
  const { input: { context, index, previous, slices }, resources, slots } = draft;
  const { lists } = portShape;
  const port = withTimeout(portShape.port, context);
  const before = {
    cluster: previous.slots.get(lists.cluster) ?? NO_SLOTS,
    local: previous.slots.get(lists.local) ?? NO_SLOTS,
  };
  const endpoints = index?.assign(lists.cluster, port, slices, before) ??
    assignedEndpoints(port, slices, context.node, before);
  const { cluster, local, wanted } = endpoints;
  if (cluster.endpoints.length > 0) slots.set(lists.cluster, cluster);
  if (local.endpoints.length > 0) slots.set(lists.local, local);
  const { any, pinned } = endpoints;
  addFrontends({ port, shape: portShape, node: context.node, cluster, local, any, pinned }, resources);
  for (const one of endpoints.hairpins) resources.add(one);
  if (port.protocol === "udp") (draft.udp ??= []).push(...udpFrontends(port, endpoints.serving));
  if (endpoints.localReady.length > 0) (draft.ready ??= []).push(...endpoints.localReady);
  if (endpoints.any && wanted.local === 0) {
    if (port.internalLocal) (draft.withoutLocal ??= []).push(`internal ${port.family}`);
    if (port.externalLocal) (draft.withoutLocal ??= []).push(`external ${port.family}`);
  }
  const left = wanted.cluster - cluster.endpoints.length + wanted.local - local.endpoints.length;
  if (left > 0) (draft.omitted ??= []).push([`${port.name} ${port.family}`, left]);
  return PORT_COST + wanted.cluster + wanted.local;
}

function finished(
  { input, shape, resources, slots, omitted, ready, udp, withoutLocal }: Draft,
): ServiceProgram {
  const { service, context, size, slices } = input;
  const healthCheck = healthCheckOf(service, ready ?? NONE);
  const remarks = remarksOn(service, shape, context, slices.problems);
  const program: ServiceProgram = {
    shape,
    size,
    resources,
    slots,
    omitted: omitted === undefined ? NO_PROGRAM.omitted : new Map(omitted),
    udp: udp === undefined ? NO_PROGRAM.udp : new Map(udp),
    withoutLocal: withoutLocal ?? NONE,
    leftOut: remarks.length === 0 ? shape.leftOut : [...shape.leftOut, ...remarks],
  };
  resources.trim();
  return healthCheck === undefined ? program : { ...program, healthCheck };
}

/** What is wrong with a Service, or not exactly as it says. */
function remarksOn(
  service: Service,
  shape: ServiceShape,
  context: ProgramContext,
  problems: readonly string[],
): readonly string[] {
  const choice = choiceProblem(service);
  const rounding = roundingText(shape, context);
  if (choice === undefined && rounding === undefined) return problems;
  return [...[choice, rounding].filter((text) => text !== undefined), ...problems];
}

function withTimeout(port: ServicePort, { roundsTimeouts }: ProgramContext): ServicePort {
  const affinitySeconds = roundsTimeouts ? roundedTimeout(port.affinitySeconds) : port.affinitySeconds;
  return affinitySeconds === port.affinitySeconds ? port : { ...port, affinitySeconds };
}

/** That the timeout of a Service is not exactly its own. All ports have the same. */
function roundingText({ ports }: ServiceShape, context: ProgramContext): string | undefined {
  const first = ports[0];
  if (first === undefined) return undefined;
  const wanted = first.port.affinitySeconds;
  const kept = withTimeout(first.port, context).affinitySeconds;
  return wanted === kept ? undefined : `clients are pinned for ${kept} s in place of ${wanted} s`;
}

/** What a port costs beside its endpoints, in endpoints. */
const PORT_COST = 4;

function udpFrontends(port: ServicePort, serving: readonly string[]): [string, UdpFrontend][] {
  const { family } = port;
  const frontends = [port.clusterIP, ...port.externalIPs].map((address): [string, UdpFrontend] => [
    frontendClaim(family, addressKey(port, address)),
    { family, address, port: port.port, serving },
  ]);
  if (port.nodePort === 0) return frontends;
  const nodePort = { family, address: undefined, port: port.nodePort, serving };
  return [...frontends, [frontendClaim(family, nodePortKey(port)), nodePort]];
}

function healthCheckOf(service: Service, ready: readonly Address[]): HealthCheck | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort } = service.spec;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || !healthCheckNodePort) return undefined;
  const distinct = [...new Set(ready)];
  const localEndpoints: Partial<Record<Family, number>> = {};
  for (const clusterIP of clusterAddresses(service)) {
    const family = familyOf(clusterIP);
    localEndpoints[family] = distinct.filter((address) => familyOf(address) === family).length;
  }
  return { port: healthCheckNodePort, localEndpoints };
}

/** Adds the frontends of one ServicePort: at its cluster IP, its external addresses and its NodePort. */
function addFrontends(program: PortProgram, resources: ServiceResources): void {
  const { port, shape } = program;
  const open = port.externalLocal ? externalLocal : externalCluster;
  // The address of the load balancer may be the cluster IP itself.
  addFrontend(port, guarded(port, program.node, internal(program), port.clusterIP), resources);
  for (let i = 0; i < shape.addresses.length; i++) {
    addFrontend(port, open(program, shape.addresses[i]!, port.externalIPs[i]), resources);
  }
  if (shape.nodePort) addFrontend(port, open(program, shape.nodePort, undefined), resources);
}

/** Where rules are made in steps, what a frontend leads to is made before it, and goes after it. */
function addFrontend(port: ServicePort, frontend: FrontendResource, resources: ServiceResources): void {
  const { values: { serve, policy, local }, sources } = frontend;
  if (port.byClient || port.affinitySeconds > 0) {
    for (const lead of [serve, policy, local]) {
      for (const one of choiceResources(port.family, lead)) resources.add(one);
      for (const one of pinningResources(port.family, lead)) resources.add(one);
    }
  }
  if (sources.length > 0) resources.add(guardResource(port.family, sources));
  resources.add(frontend);
}

/** The frontend at the cluster IP. Under Local policy it leads to endpoints of the own node only. */
function internal(program: PortProgram): FrontendResource {
  const { port, shape, cluster, local, pinned } = program;
  const list = port.internalLocal ? local : cluster;
  const { endpoints } = list;
  const bare = pinned === undefined ? shape.internal : { ...shape.internal, pinned, drawn: true };
  const affinity = pinned === undefined ? {} : drawnValues(port, pinned);
  if (endpoints.length === 0) return { ...bare, values: { refuse: refusal(program), ...affinity } };
  if (endpoints.length === 1 && pinned === undefined) return { ...bare, values: { single: endpoints[0]! } };
  // Rules draw from two slots without a lead (frontend_chains.ts).
  if (endpoints.length === 2 && pinned === undefined && !port.byClient) return { ...bare, slots: list };
  return {
    ...bare,
    values: { serve: leadTo(program, bare, "cluster", list), ...affinity },
    slots: slotsFor(port, list),
  };
}

/** externalTrafficPolicy Cluster: all endpoints. Masqueraded, so that their answers return through this node. */
function externalCluster(
  program: PortProgram,
  bare: FrontendResource,
  address: Address | undefined,
): FrontendResource {
  const { port, cluster, pinned } = program;
  const { endpoints } = cluster;
  const kind = bare.at === "nodeport" ? "cluster" : "external";
  const alone = endpoints.length === 1 && pinned === undefined;
  const only = alone ? { outside: endpoints[0]! } : {};
  // An address with one endpoint needs neither lead nor slot. A NodePort does, for packets with another program's mark.
  const values = endpoints.length === 0
    ? { refuse: refusal(program) }
    : alone && bare.at === "address"
    ? only
    : { serve: leadTo(program, bare, kind, cluster), ...only };
  const slots = "serve" in values ? slotsFor(port, cluster) : NO_SLOTS;
  return external(program, bare, address, values, slots, NO_SLOTS);
}

/**
 * externalTrafficPolicy Local: packets of pods and of the node go to all endpoints, all other packets to the local ones.
 * Without a local endpoint the frontend is in the maps `serve` and `refuse`: other packets stay untranslated and are dropped.
 */
function externalLocal(
  program: PortProgram,
  bare: FrontendResource,
  address: Address | undefined,
): FrontendResource {
  const { port, cluster, local, any } = program;
  const values = {
    ...(any ? { serve: lead("local", 1) } : {}),
    ...(local.endpoints.length > 0
      ? { local: leadTo(program, bare, "local", local) }
      : { refuse: refusal(program) }),
    ...(cluster.endpoints.length > 0 ? { policy: leadTo(program, bare, "cluster", cluster) } : {}),
  };
  return external(program, bare, address, values, slotsFor(port, cluster), slotsFor(port, local));
}

/**
 * A frontend for traffic from outside. loadBalancerSourceRanges guard it at an address of the load balancer, unless they have every
 * source: ranges are disjoint, so 0.0.0.0/0 is the only one.
 */
function external(
  { port, pinned, node }: PortProgram,
  bare: FrontendResource,
  address: Address | undefined,
  values: FrontendResource["values"],
  slots: Slots,
  localSlots: Slots,
): FrontendResource {
  const one = pinned === undefined
    ? { ...bare, values, slots, localSlots }
    : { ...bare, values: { ...values, ...affinityValues(port, bare) }, slots, localSlots, pinned };
  return guarded(port, node, one, address);
}

/** `frontend`, with a guard where its `address` is one of the load balancer. */
function guarded(
  { sourceRanges, balancerIPs, family }: ServicePort,
  node: OwnNode,
  frontend: FrontendResource,
  address: Address | undefined,
): FrontendResource {
  // Nearly no Service has ranges.
  if (sourceRanges.length === 0 || sourceRanges[0]!.length === 0) return frontend;
  if (address === undefined || !balancerIPs.includes(address)) return frontend;
  // The node's own packets to an address that it holds itself have that address as their source (kube-proxy does the same).
  const nodeIsSource = node.addresses.some((own) => sourceRanges.some((range) => contains(range, own)));
  const extra = nodeIsSource
    ? balancerIPs.filter((vip) => !sourceRanges.some((range) => contains(range, vip)))
    : [];
  const sources = [...sourceRanges.map(cidrText), ...extra];
  const guard = `goto ${guardChain(family, sources)}`;
  return { ...frontend, values: { ...frontend.values, guard }, sources };
}

/** The lead to the endpoints in `slots`. */
function leadTo(
  { port, local }: PortProgram,
  { at, address }: FrontendResource,
  kind: LeadKind,
  slots: Slots,
): string {
  if (port.byClient) return choiceOf(at, kind, slots);
  if (port.affinitySeconds === 0) return lead(kind, slots.slotClass);
  const short = address === port.clusterIP && isShort(port);
  const list = slots === local ? "local" : "cluster";
  return pinnedLead(kind, { seconds: port.affinitySeconds, short, at, list }, slots.slotClass);
}

/** With affinity a frontend has its endpoints by number. */
function slotsFor(port: ServicePort, slots: Slots): Slots {
  return port.affinitySeconds > 0 ? NO_SLOTS : slots;
}

/** What leads a frontend to its ServicePort. The port is in the packet, but not that of a NodePort. */
function affinityValues(port: ServicePort, { at }: FrontendResource): FrontendResource["values"] {
  return {
    clusterIP: port.clusterIP,
    ...(at === "nodeport" ? { otherPort: String(port.port) } : {}),
  };
}

/** What a ServicePort with affinity has once, at its cluster IP. The short way has the slot class in its lead. */
function drawnValues(port: ServicePort, { cluster, local }: PinnedEndpoints): FrontendResource["values"] {
  const { externalIPs, nodePort } = port;
  if (isShort(port) && externalIPs.length === 0 && nodePort === 0) return {};
  const classOf = ({ slotClass }: Slots) => lead("cluster", slotClass);
  return {
    ...(cluster.endpoints.length > 0 ? { pinClass: classOf(cluster) } : {}),
    ...(local.endpoints.length > 0 ? { localPinClass: classOf(local) } : {}),
    ...(port.nodePort === 0 ? {} : { otherPort: String(port.nodePort) }),
  };
}

/**
 * The verdict for a frontend without usable endpoints. If no node has one, packets are rejected. If another node has one,
 * they are dropped: the load balancer should not have sent them here, and may try another node. Why `continue` and not a chain
 * that rejects? The rule goes on to that chain, and an element without a chain makes the kernel validate none.
 */
function refusal({ any }: PortProgram): string {
  return any ? "drop" : "continue";
}
