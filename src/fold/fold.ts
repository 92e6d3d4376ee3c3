// The fold: one record into the cluster state. Slots are settled with every record, so the ruleset at an offset is a
// function of the ledger up to it, however syncs were batched. The cost is that of the Service the record belongs to.

import { InvariantError, unreachable } from "../invariant.ts";
import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  type Node,
  type ObjectKey,
  type Service,
  type ServiceCIDR,
} from "../kube/objects.ts";
import { sameValue } from "../kube/equality.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../kube/proxy_config.ts";
import type { CommitRecord, EventRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import { type Element, type ElementKey, sameElement, type SetPath } from "../nft/ruleset.ts";
import { cidrText, disjoint, familyOf, parseCidr } from "../kube/address.ts";
import { FAMILIES } from "../nft/data_type.ts";
import { PATHS, skeleton } from "./skeleton.ts";
import type { ClusterState, ServiceName } from "./cluster_state.ts";
import { claim, dependents, forgetAddress, holderOf, reclaim } from "./claims.ts";
import { namedNode, ownNodeOf, rememberedNode } from "./own_node.ts";
import { changeResource, type Put, type Resource } from "./resource.ts";
import { NO_PROGRAM, type ServiceProgram, serviceProgram } from "./service_program.ts";

const SERVICE_LABEL = "kubernetes.io/service-name";
const HEADLESS_LABEL = "service.kubernetes.io/headless";

/** Folds the record at `offset` into `state`. Records must come in the order of their offsets. */
export function foldRecord(state: ClusterState, offset: Offset, record: LedgerRecord): void {
  state.folded = offset;
  switch (record.kind) {
    case "event":
      return foldEvent(state, offset, record);
    case "config":
      noteConfig(state, offset, record.proxy ?? DEFAULT_PROXY_CONFIG);
      if (record.nodeName !== state.node.name) state.nodeDeleted = false;
      return noteNode(state, offset, record.nodeName);
    case "commit":
      if (record.outcome === "committed") state.committed = record.through;
      return record.setAside === undefined ? undefined : setAside(state, offset, record);
    case "drift":
    case "gap":
      return;
    default:
      return unreachable(record);
  }
}

function foldEvent(state: ClusterState, offset: Offset, { key, value }: EventRecord): void {
  const name = describeKey(key);
  const before = state.objects.get(name);
  if (value === null) state.objects.delete(name);
  else state.objects.set(name, value);
  if (key.kind === "Node" && key.name === state.node.name) {
    state.nodeDeleted = value === null;
    noteNode(state, offset, key.name, before as Node | undefined);
  }
  if (key.kind === "ServiceCIDR") noteServiceCIDR(state, offset, key.name, value as ServiceCIDR | null);
  for (const name of affected(key, before, value)) {
    noteObject(state, key, name, before, value);
    state.aside.delete(name);
    settle(state, name, offset);
  }
}

/** Takes in the configuration. What it says about marks is in chains of Services too. */
function noteConfig(state: ClusterState, offset: Offset, config: ProxyConfig): void {
  if (sameValue(config, state.config)) return;
  state.config = config;
  state.tables = skeleton(config, state.node.podCIDRs);
  settleAll(state, offset);
}

/** Takes in what the own node is now, whose object was `object`. A change of its name, zone or addresses concerns every Service. */
function noteNode(state: ClusterState, offset: Offset, name: string, object?: Node): void {
  if (takeNode(state, offset, name, object)) settleAll(state, offset);
}

/** Takes in the own node, whose object was `object`; returns whether that concerns every Service. */
function takeNode(state: ClusterState, offset: Offset, name: string, object?: Node): boolean {
  const before = state.node;
  state.knownNode = name === ""
    ? undefined
    : rememberedNode(state.knownNode, object, namedNode(state.objects, name));
  const now = state.node = ownNodeOf(name, state.knownNode, state.config);
  if (state.config.detectLocal.mode === "NodeCIDR" && before.podCIDRs.join() !== now.podCIDRs.join()) {
    state.tables = skeleton(state.config, now.podCIDRs);
  }
  for (const address of new Set([...before.addresses, ...now.addresses])) {
    const key = address as string as ElementKey;
    const element = now.addresses.includes(address) ? { key } : undefined;
    putElement(state, offset, PATHS[familyOf(address)]["nodeport-ips"], key, element);
  }
  const same = (["addresses", "linkLocal"] as const).every((list) =>
    before[list].join() === now[list].join()
  );
  return name !== before.name || now.zone !== before.zone || !same;
}

function settleAll(state: ClusterState, offset: Offset): void {
  for (const service of [...state.services.keys()].sort()) settle(state, service, offset);
}

/** Packets to addresses in a ServiceCIDR that are nobody's cluster IP are dropped. */
function noteServiceCIDR(
  state: ClusterState,
  offset: Offset,
  name: string,
  object: ServiceCIDR | null,
): void {
  const before = cidrElements(state);
  if (object === null) state.serviceCIDRs.delete(name);
  else state.serviceCIDRs.set(name, object);
  const after = cidrElements(state);
  for (const [path, keys] of [...before, ...after]) {
    for (const key of keys) {
      putElement(state, offset, path, key, after.get(path)?.has(key) ? { key } : undefined);
    }
  }
}

function cidrElements({ serviceCIDRs }: ClusterState): Map<SetPath, Set<ElementKey>> {
  const listed = [...serviceCIDRs.values()].flatMap(({ spec }) => spec.cidrs ?? []);
  const cidrs = disjoint(listed.map(parseCidr).filter((cidr) => cidr !== null));
  return new Map(FAMILIES.map((family) => {
    const keys = cidrs.filter((cidr) => cidr.family === family)
      .map((cidr) => cidrText(cidr) as ElementKey);
    return [PATHS[family]["service-cidrs"], new Set(keys)];
  }));
}

/** Makes everything that follows from objects, configuration and slots, of a state that a snapshot has brought. */
export function settleRestored(state: ClusterState, nodeName: string): void {
  const offset = state.folded as Offset;
  for (const object of state.objects.values()) {
    if (object.kind !== "EndpointSlice") continue;
    const owner = ownerOf(object as EndpointSlice);
    const key = { kind: object.kind, namespace: "", name: object.metadata.name };
    if (owner !== undefined) noteObject(state, key, owner, undefined, object);
  }
  for (const [path, keys] of cidrElements(state)) {
    for (const key of keys) putElement(state, offset, path, key, { key });
  }
  state.tables = skeleton(state.config, []);
  takeNode(state, offset, nodeName);
  settleAll(state, offset);
}

/** The Services whose rules an event can change: at most two, when a slice moves from one to another. */
function affected(key: ObjectKey, before: KubeObject | undefined, after: KubeObject | null): ServiceName[] {
  if (key.kind === "Service") return [`${key.namespace}/${key.name}` as ServiceName];
  if (key.kind !== "EndpointSlice") return [];
  const [old, now] = [before, after].map((slice) => slice ? ownerOf(slice as EndpointSlice) : undefined);
  const names = old === now ? [old] : [old, now];
  return names.filter((name) => name !== undefined);
}

/** The Service a slice belongs to: none for slices of headless Services and those without the label. */
export function ownerOf({ metadata }: EndpointSlice): ServiceName | undefined {
  const name = metadata.labels?.[SERVICE_LABEL];
  if (!name || metadata.labels?.[HEADLESS_LABEL] !== undefined) return undefined;
  return `${metadata.namespace}/${name}` as ServiceName;
}

/** Enters what the event says into the indexes of Service `name`. */
function noteObject(
  state: ClusterState,
  key: ObjectKey,
  name: ServiceName,
  before: KubeObject | undefined,
  after: KubeObject | null,
) {
  if (key.kind === "Service") {
    if (after === null) state.services.delete(name);
    else state.services.set(name, after as Service);
    return;
  }
  const slices = state.slices.get(name) ?? new Map<string, EndpointSlice>();
  const owned = after !== null && ownerOf(after as EndpointSlice) === name;
  if (owned) slices.set(key.name, after as EndpointSlice);
  else if (before !== undefined) slices.delete(key.name);
  if (slices.size > 0) state.slices.set(name, slices);
  else state.slices.delete(name);
}

/** Leaves out the Service that the kernel would not take, so that all others are served. */
function setAside(state: ClusterState, offset: Offset, { setAside, error }: CommitRecord): void {
  const name = setAside as ServiceName;
  state.aside.set(name, error ?? "rejected");
  settle(state, name, offset);
}

/** The program of one Service. One that cannot be made is a fault of ours, but costs that Service alone. */
function programOf(state: ClusterState, name: ServiceName, before: ServiceProgram): ServiceProgram {
  const service = state.services.get(name);
  if (service === undefined || state.aside.has(name)) return NO_PROGRAM;
  const surroundings = { node: state.node, mark: 2 ** state.config.masqueradeBit };
  try {
    return serviceProgram(service, state.slices.get(name)?.values() ?? [], before, surroundings);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    state.aside.set(name, error.message);
    return NO_PROGRAM;
  }
}

/** Brings the rules of one Service up to date with its objects. */
function settle(state: ClusterState, name: ServiceName, offset: Offset): void {
  const before = state.programs.get(name) ?? NO_PROGRAM;
  const after = programOf(state, name, before);
  const put = (path: SetPath, key: ElementKey, element: Element | undefined) =>
    putElement(state, offset, path, key, element);
  if (after === NO_PROGRAM) state.programs.delete(name);
  else state.programs.set(name, after);
  if (after.healthCheck !== undefined) state.healthChecks.set(name, after.healthCheck);
  else if (before.healthCheck !== undefined) state.healthChecks.delete(name);
  for (const port of before.omitted.keys()) state.omitted.delete(port);
  for (const [port, count] of after.omitted) state.omitted.set(port, count);
  if (after.leftOut.length > 0) state.leftOut.set(name, after.leftOut);
  else state.leftOut.delete(name);
  countWithoutLocal(state, before, -1);
  countWithoutLocal(state, after, 1);
  const change = (key: string) => changeClaim(state, key, { name, before, after }, put);
  for (const key of after.resources.keys()) change(key);
  for (const key of before.resources.keys()) if (!after.resources.has(key)) change(key);
  if (before.udp.size > 0 || after.udp.size > 0) noteStaleFlows(state, before, after);
}

/** A Service that is being settled. */
interface Settling {
  readonly name: ServiceName;
  readonly before: ServiceProgram;
  readonly after: ServiceProgram;
}

/** Enters or withdraws a claim, and gives what is claimed to whoever holds it then. */
function changeClaim(state: ClusterState, key: string, settling: Settling, put: Put): void {
  const { name, before, after } = settling;
  const wanted = after.resources.get(key);
  const others = dependents(state, wanted ?? before.resources.get(key)!);
  const standing = [key, ...others].map((one) => standingOf(state, one, settling));
  claim(state, key, name, wanted);
  for (const one of others) reclaim(state, one);
  for (const one of standing) handOver(state, one, settling, put);
  if (wanted === undefined) forgetAddress(state, before.resources.get(key)!);
}

/** Who holds a resource, and how it is in force. */
interface Standing {
  readonly key: string;
  readonly holder: ServiceName | undefined;
  readonly resource: Resource | undefined;
}

function standingOf(state: ClusterState, key: string, { name, before }: Settling): Standing {
  return { key, holder: holderOf(state, key), resource: heldResource(state, key, name, before) };
}

/** Changes a resource from how it stood to how its holder wants it by now. */
function handOver(
  state: ClusterState,
  { key, holder, resource }: Standing,
  { name, before, after }: Settling,
  put: Put,
): void {
  changeResource(resource, heldResource(state, key, name, after), put);
  const now = holderOf(state, key);
  if (now === holder || holder === undefined || now === undefined) return;
  noteHandover(state, key, holder === name ? before : state.programs.get(holder));
}

/** The flows of a frontend that goes to another Service lead to endpoints of the one before. */
function noteHandover(state: ClusterState, key: string, before: ServiceProgram | undefined): void {
  const now = state.programs.get(holderOf(state, key)!)?.udp.get(key);
  const frontend = now ?? before?.udp.get(key);
  if (frontend !== undefined) state.staleFlows.set(key, now ?? { ...frontend, serving: [] });
}

function countWithoutLocal(state: ClusterState, { withoutLocal }: ServiceProgram, sign: 1 | -1): void {
  for (const lack of withoutLocal) {
    state.withoutLocal.set(lack, (state.withoutLocal.get(lack) ?? 0) + sign);
  }
}

/** The elements of Service `name`, by path and key. */
export function elementsOf(
  state: Pick<ClusterState, "programs" | "claims">,
  name: ServiceName,
): [SetPath, ElementKey][] {
  const places: [SetPath, ElementKey][] = [];
  for (const [claim, resource] of state.programs.get(name)?.resources ?? []) {
    if (holderOf(state, claim) !== name) continue;
    changeResource(undefined, resource, (path, key, element) => {
      if (element !== undefined) places.push([path, key]);
    });
  }
  return places.sort(([a, x], [b, y]) => a < b ? -1 : a > b ? 1 : x < y ? -1 : 1);
}

/** The Service that holds the element at `key` of `path`. Costs the size of the cluster. */
export function ownerOfElement(state: ClusterState, path: SetPath, key: ElementKey): ServiceName | undefined {
  for (const [name, { resources }] of state.programs) {
    for (const resource of resources.values()) {
      let found = false;
      changeResource(undefined, resource, (at, of) => found ||= at === path && of === key);
      if (found) return name;
    }
  }
  return undefined;
}

/**
 * Flows are stale where an endpoint stopped serving, and where the first one began to: until then they led to the
 * frontend itself. Who may answer is for the Service to say that holds the frontend; one that is gone keeps no flow.
 */
function noteStaleFlows(state: ClusterState, before: ServiceProgram, after: ServiceProgram): void {
  for (const [key, frontend] of new Map([...before.udp, ...after.udp])) {
    const was = before.udp.get(key)?.serving ?? [];
    const now = new Set(after.udp.get(key)?.serving);
    const began = was.length === 0 && now.size > 0;
    if (!began && was.every((endpoint) => now.has(endpoint))) continue;
    const holder = holderOf(state, key);
    const held = holder === undefined ? undefined : state.programs.get(holder)?.udp.get(key);
    state.staleFlows.set(key, held ?? { ...frontend, serving: [] });
  }
}

/** The resource as its present holder wants it, where the Service `name` wants `program`. */
function heldResource(
  state: ClusterState,
  key: string,
  name: ServiceName,
  program: ServiceProgram,
): Resource | undefined {
  const holder = holderOf(state, key);
  if (holder === undefined) return undefined;
  return (holder === name ? program : state.programs.get(holder))?.resources.get(key);
}

function putElement(
  state: ClusterState,
  offset: Offset,
  path: SetPath,
  key: ElementKey,
  element: Element | undefined,
) {
  const set = state.desired.get(path)!;
  if (sameElement(set.get(key), element)) return;
  const causes = state.causes.get(path)!;
  if (element === undefined) {
    set.delete(key);
    causes.delete(key);
  } else {
    set.set(key, element);
    causes.set(key, offset);
  }
  const dirty = state.dirty.get(path);
  if (dirty === undefined) state.dirty.set(path, new Map([[key, offset]]));
  else dirty.set(key, offset);
}
