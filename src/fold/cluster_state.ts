// ClusterState: everything that follows from a prefix of the ledger. foldRecord alone changes it, in place. It depends on
// the records folded into it and their order, and on nothing else. Why not a new value for each record? A cluster has
// tens of thousands of elements and a record changes about three of them.

import type { ServiceBounds } from "../kube/bounds.ts";
import { sameValue } from "../kube/equality.ts";
import type { EndpointSlice, KubeObject, Node, Service, ServiceCIDR } from "../kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../kube/proxy_config.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { ConfigRecord } from "../ledger/record.ts";
import { type Address, FAMILIES } from "../nft/data_type.ts";
import type { Elements, SetPath, Table } from "../nft/ruleset.ts";
import type { OwnNode } from "./endpoints.ts";
import { ClaimMap } from "./claim_map.ts";
import { type Causes, ElementMap } from "./element_map.ts";
import { EndpointIndexes } from "./endpoint_indexes.ts";
import type { HealthCheck, ServiceProgram, WithoutLocal } from "./service_program.ts";
import type { NamespaceTotals } from "./namespace_total.ts";
import { ObjectMap } from "./object_map.ts";
import { type KeptView, ServiceTable } from "./service_table.ts";
import type { SmallMap } from "./small_map.ts";
import { CONTAINERS, OBJECT_PATHS, skeleton } from "./skeleton.ts";
import type { UnfinishedWork } from "./unfinished.ts";
import type { Title } from "./title.ts";
import { newLine } from "./waiting_line.ts";

/** The state after some records. Readers may keep a part of it only until the next record is folded. */
export interface ClusterState extends UnfinishedWork, NamespaceTotals {
  /** The static part of the desired ruleset. A change of the configuration replaces the value. */
  tables: readonly Table[];
  config: ProxyConfig;
  /** Bounds on what one Service costs; undefined: none. */
  bounds: ServiceBounds | undefined;
  /** The elements the kernel should hold. */
  readonly desired: ReadonlyMap<SetPath, ElementMap>;
  /** The cause of each desired element: the record that made it what it is. */
  readonly causes: ReadonlyMap<SetPath, Causes>;
  /** Every object that exists, by `describeKey`. */
  readonly objects: ObjectMap;
  /** What there is of each Service: the three that follow, and Services for other proxies. */
  readonly serviceTable: ServiceTable;
  readonly services: ReadonlyMap<ServiceName, Service>;
  readonly slices: ReadonlyMap<ServiceName, SmallMap<string, EndpointSlice>>;
  readonly programs: KeptView<ServiceProgram>;
  /** Endpoints of Services that have many, as they were last read. Nothing depends on which are kept. */
  readonly indexes: EndpointIndexes;
  /** Services that claim a resource, the holder first. */
  readonly claims: ClaimMap;
  /** Claims to frontends that more than one Service has. */
  readonly contested: Set<string>;
  /** Why the holder of each of those holds it. */
  readonly titles: Map<string, Title>;
  /** Claims to frontends at an external address, by that address: it may be another Service's cluster IP. */
  readonly atAddress: Map<Address, Set<string>>;
  /** Parts that were left out of Services which are served, and why, as text. */
  readonly leftOut: Map<ServiceName, readonly string[]>;
  /** How many ready endpoints have no slot, by ServicePort: it has more than the largest slot class. */
  readonly omitted: Map<string, number>;
  /**
   * Last record that a commit has put into the kernel; undefined before the first commit. A source had sent its whole list
   * before the first commit, so rules can be made from the ledger alone.
   */
  committed: number | undefined;
  /**
   * Offset of the last gap record that stands for lost records; undefined once rules were committed behind it. New records have the
   * lost ones' offsets, so until then a position in the kernel from here on may be that of lost records.
   */
  gap: number | undefined;
  /** Services that are set aside, and why: they are too large, their rules cannot be made, or the kernel rejects them. */
  readonly aside: Map<ServiceName, string>;
  /** How many ServicePorts a Local policy leaves without endpoints. */
  readonly withoutLocal: Map<WithoutLocal, number>;
  /** healthCheckNodePorts that this node serves, by Service. `putHealthCheck` alone changes them. */
  readonly healthChecks: Map<ServiceName, HealthCheck>;
  /** Another object after each change of {@link healthChecks}. */
  healthChecksVersion: object;
  /** What the rules use of the own node; it follows from {@link knownNode}. */
  node: OwnNode;
  /** Whether the own Node object was deleted: false also where none was received yet. */
  nodeDeleted: boolean;
  /** The own Node object as last received. It stays in force when the object is deleted; see `rememberedNode`. */
  knownNode: Node | undefined;
  readonly serviceCIDRs: Map<string, ServiceCIDR>;
  /** Offset of the last record folded; -1 before the first. */
  folded: number;
}

/** A state, or a part of one, with its objects. */
export interface WithObjects {
  readonly objects: ReadonlyMap<string, KubeObject>;
}

/** The rules of a state, or as they were recorded. */
export interface Rules extends Pick<ClusterState, "tables"> {
  readonly desired: Elements;
}

/** The state before any record. */
export function emptyState(): ClusterState {
  const paths = [...CONTAINERS.keys(), ...FAMILIES.flatMap((family) => Object.values(OBJECT_PATHS[family]))];
  const desired = new Map(paths.map((path) => [path, new ElementMap()]));
  const serviceTable = new ServiceTable();
  return {
    tables: skeleton(DEFAULT_PROXY_CONFIG),
    config: DEFAULT_PROXY_CONFIG,
    bounds: undefined,
    desired,
    causes: new Map([...desired].map(([path, { causes }]) => [path, causes])),
    objects: new ObjectMap(serviceTable),
    serviceTable,
    services: serviceTable.served,
    slices: serviceTable.slices,
    programs: serviceTable.programs,
    indexes: new EndpointIndexes(),
    postponed: newLine(),
    changed: 0,
    unsettled: newLine(),
    making: undefined,
    unfinished: new Map(),
    claims: new ClaimMap(),
    contested: new Set(),
    titles: new Map(),
    atAddress: new Map(),
    leftOut: new Map(),
    omitted: new Map(),
    committed: undefined,
    gap: undefined,
    aside: new Map(),
    largeServices: new Map(),
    crowded: new Map(),
    withoutLocal: new Map(),
    healthChecks: new Map(),
    healthChecksVersion: {},
    node: { name: "", zone: "", addresses: [], linkLocal: [], podCIDRs: [] },
    nodeDeleted: false,
    knownNode: undefined,
    serviceCIDRs: new Map(),
    folded: -1,
  };
}

/** The own Node object as last received, also when it was deleted since; undefined while none was received. */
export function ownNode({ knownNode }: Pick<ClusterState, "knownNode">): Node | undefined {
  return knownNode;
}

/** Whether the newest configuration of `state` is that of `record`. */
export function isConfigured(
  { node, config, bounds }: Pick<ClusterState, "node" | "config" | "bounds">,
  record: Pick<ConfigRecord, "nodeName" | "proxy" | "bounds">,
): boolean {
  return node.name === record.nodeName && sameValue(config, record.proxy) && sameValue(bounds, record.bounds);
}
