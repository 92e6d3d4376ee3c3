// The fold: one record into the cluster state. The state after a record is a function of the ledger up to it, whenever
// rules were committed. A record costs what its Service has; only the configuration and the own node concern all Services.

import { unreachable } from "../invariant.ts";
import { familyOf } from "../kube/address.ts";
import type { ServiceBounds } from "../kube/bounds.ts";
import { sameValue } from "../kube/equality.ts";
import {
  type EndpointSlice,
  type KubeObject,
  type Node,
  type ObjectKey,
  type ServiceCIDR,
} from "../kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../kube/proxy_config.ts";
import { readServiceName, type ServiceName, serviceName } from "../kube/service_name.ts";
import type { CommitRecord, EventRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import type { Address } from "../nft/data_type.ts";
import { elementKey } from "../nft/ruleset.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type FoldChanges, type Folding, noChanges } from "./fold_changes.ts";
import { namedNode, ownNodeOf, rememberedNode } from "./own_node.ts";
import { changeServiceCIDR, type CidrElement, cidrElements } from "./service_cidrs.ts";
import { putElement, servedInOrder, setAside, settle, settleAll, settleChanged } from "./settle.ts";
import { advance } from "./steps.ts";
import { enterMissingCauses, newRestoring } from "./restoring.ts";
import { isUnfinished } from "./unfinished.ts";
import { PATHS, skeleton } from "./skeleton.ts";

const SERVICE_LABEL = "kubernetes.io/service-name";
const HEADLESS_LABEL = "service.kubernetes.io/headless";

/**
 * Folds the record at `offset` into `state`, and returns `changes` with what that changed. Records must come in the order
 * of their offsets. Pass the same `changes` with several records to gather what all of them changed.
 */
export function foldRecord(
  state: ClusterState,
  offset: Offset,
  record: LedgerRecord,
  changes: FoldChanges = noChanges(),
): FoldChanges {
  state.folded = offset;
  switch (record.kind) {
    case "event":
      foldEvent({ state, offset, changes }, record);
      return changes;
    case "config": {
      const folding = { state, offset, changes };
      foldConfig(folding, record.proxy ?? DEFAULT_PROXY_CONFIG);
      foldBounds(folding, record.bounds);
      if (record.nodeName !== state.node.name) state.nodeDeleted = false;
      foldNode(folding, record.nodeName, undefined);
      return changes;
    }
    case "commit":
      foldCommit({ state, offset, changes }, record);
      return changes;
    case "gap":
      if (record.records > 0) state.gap = offset;
      return changes;
    case "drift":
      return changes;
    default:
      return unreachable(record);
  }
}

function foldCommit(
  folding: Folding,
  { outcome, through, setAside: refused, error, advances }: CommitRecord,
): void {
  folding.state.changed = 0;
  if (outcome === "committed") {
    const { state } = folding;
    state.committed = through;
    if (through >= (state.gap ?? 0)) state.gap = undefined;
  }
  if (refused !== undefined) {
    const name = readServiceName(refused);
    setAside(folding, name, error ?? "rejected");
    settle(folding, folding.state.serviceTable.named(name));
  }
  if (advances) advance(folding);
}

function foldEvent(folding: Folding, { key, value }: EventRecord): void {
  const { state } = folding;
  if (key.kind === "Service") {
    const entry = state.serviceTable.at(key);
    state.serviceTable.setObject(entry, value?.kind === "Service" ? value : undefined);
    return settleChanged(folding, entry);
  }
  const before = state.objects.put(key, value ?? undefined);
  switch (key.kind) {
    case "Node":
      if (key.name !== state.node.name) return;
      state.nodeDeleted = value === null;
      return foldNode(folding, key.name, before?.kind === "Node" ? before : undefined);
    case "ServiceCIDR":
      return foldServiceCIDR(folding, key.name, value?.kind === "ServiceCIDR" ? value : undefined);
    case "EndpointSlice":
      return foldSlice(folding, key, sliceOf(before), sliceOf(value));
    default:
      return unreachable(key.kind);
  }
}

function sliceOf(object: KubeObject | null | undefined): EndpointSlice | undefined {
  return object?.kind === "EndpointSlice" ? object : undefined;
}

/** A slice concerns one Service, or two when its label changes. */
function foldSlice(
  folding: Folding,
  key: ObjectKey,
  before: EndpointSlice | undefined,
  after: EndpointSlice | undefined,
): void {
  const { namespace } = key;
  const old = before && labelledOwner(before);
  const now = after && labelledOwner(after);
  if (old !== undefined && old !== now) setSlice(folding, { namespace, name: old }, key.name, undefined);
  if (now !== undefined) setSlice(folding, { namespace, name: now }, key.name, after);
}

function setSlice(
  folding: Folding,
  owner: Pick<ObjectKey, "namespace" | "name">,
  name: string,
  slice: EndpointSlice | undefined,
): void {
  const { serviceTable } = folding.state;
  const entry = serviceTable.at(owner);
  serviceTable.setSlice(entry, name, slice);
  settleChanged(folding, entry);
}

/** The Service a slice belongs to; undefined for slices of headless Services and those without the label. */
export function ownerOf(slice: EndpointSlice): ServiceName | undefined {
  const name = labelledOwner(slice);
  return name === undefined ? undefined : serviceName(slice.metadata.namespace ?? "", name);
}

/** As {@link ownerOf}, of an object that may be another one, or none. */
export function ownerOfSlice(object: KubeObject | null | undefined): ServiceName | undefined {
  return object?.kind === "EndpointSlice" ? ownerOf(object) : undefined;
}

/** As {@link ownerOf}: the name in the namespace of the slice. */
function labelledOwner({ metadata: { labels } }: EndpointSlice): string | undefined {
  const name = labels?.[SERVICE_LABEL];
  return name && labels?.[HEADLESS_LABEL] === undefined ? name : undefined;
}

/** Applies the configuration. It concerns all Services, as their affinity chains contain the mark. */
function foldConfig(folding: Folding, config: ProxyConfig): void {
  const { state } = folding;
  if (sameValue(config, state.config)) return;
  state.config = config;
  state.tables = skeleton(config, state.node.podCIDRs);
  if (config.serviceProxyName !== state.serviceTable.proxyName) rename(folding, config.serviceProxyName);
  settleAll(folding);
}

/** Another proxy name means other Services. */
function rename(folding: Folding, proxyName: string | undefined): void {
  const { serviceTable } = folding.state;
  const before = new Set(serviceTable.served.keys());
  serviceTable.proxyName = proxyName;
  for (const entry of [...serviceTable.all()]) {
    const served = serviceTable.servedOf(entry) !== undefined;
    if (served !== before.has(entry.name)) settleChanged(folding, entry);
  }
}

/** Applies other bounds: Services that are too large now, or were until now, are settled again. */
function foldBounds(folding: Folding, bounds: ServiceBounds | undefined): void {
  const { state } = folding;
  if (sameValue(bounds, state.bounds)) return;
  state.bounds = bounds;
  while (isUnfinished(state)) advance(folding);
  state.changed = 0;
  for (const entry of servedInOrder(state)) settleChanged(folding, entry);
}

/** Applies the present object of node `name`, which is ours; `before` is the object that it replaces. */
function foldNode(folding: Folding, name: string, before: Node | undefined): void {
  if (changeNode(folding, name, before)) settleAll(folding);
}

/** As {@link foldNode}, without the Services; returns whether all of them are to be settled. */
function changeNode(folding: Folding, name: string, object: Node | undefined): boolean {
  const { state } = folding;
  const before = state.node;
  state.knownNode = name === ""
    ? undefined
    : rememberedNode(state.knownNode, object, namedNode(state.objects, name));
  const now = state.node = ownNodeOf(name, state.knownNode, state.config);
  if (state.config.detectLocal.mode === "NodeCIDR" && before.podCIDRs.join() !== now.podCIDRs.join()) {
    state.tables = skeleton(state.config, now.podCIDRs);
  }
  for (const address of new Set<Address>([...before.addresses, ...now.addresses])) {
    const key = elementKey([address]);
    const element = now.addresses.includes(address) ? { key } : undefined;
    putElement(folding, PATHS[familyOf(address)]["nodeport-ips"], key, element);
  }
  const same = (["addresses", "linkLocal"] as const).every((list) =>
    before[list].join() === now[list].join()
  );
  return name !== before.name || now.zone !== before.zone || !same;
}

/** Packets to an address of a ServiceCIDR that is no Service's cluster IP are dropped. */
function foldServiceCIDR(folding: Folding, name: string, object: ServiceCIDR | undefined): void {
  putCidrs(folding, changeServiceCIDR(folding.state, name, object));
}

function putCidrs(folding: Folding, elements: readonly CidrElement[]): void {
  for (const { path, key, exists } of elements) putElement(folding, path, key, exists ? { key } : undefined);
}

/**
 * Makes everything that follows from the objects, configuration and slots that a snapshot has brought. `causes` are those of the
 * elements of each Service, ordered by path and key.
 */
export function settleRestored(
  state: ClusterState,
  offset: Offset,
  nodeName: string,
  bounds: ServiceBounds | undefined,
  causes: ReadonlyMap<ServiceName, readonly Offset[]>,
): void {
  const restores = newRestoring(causes);
  const folding: Folding = { state, offset, changes: noChanges(), restores };
  for (const object of state.objects.values()) {
    if (object.kind !== "EndpointSlice") continue;
    const owner = ownerOf(object);
    if (owner === undefined) continue;
    state.serviceTable.setSlice(state.serviceTable.named(owner), object.metadata.name, object);
  }
  putCidrs(folding, cidrElements(state));
  state.tables = skeleton(state.config, []);
  changeNode(folding, nodeName, undefined);
  state.bounds = bounds;
  settleAll(folding);
  while (isUnfinished(state)) advance(folding);
  enterMissingCauses(state, restores);
}
