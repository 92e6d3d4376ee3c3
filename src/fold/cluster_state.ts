// ClusterState: everything the fold knows after a prefix of the ledger. It is changed in place by foldRecord alone and
// depends on nothing but the records folded into it, in their order.

import type { EndpointSlice, KubeObject, Node, Service, ServiceCIDR } from "../kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../kube/proxy_config.ts";
import type { Offset } from "../ledger/record.ts";
import { type Address, FAMILIES } from "../nft/data_type.ts";
import type { Element, ElementKey, SetPath, Table } from "../nft/ruleset.ts";
import type { Title } from "./claims.ts";
import type { OwnNode } from "./endpoints.ts";
import type { HealthCheck, ServiceProgram, UdpFrontend, WithoutLocal } from "./service_program.ts";
import { CONTAINERS, OBJECT_PATHS, skeleton } from "./skeleton.ts";

/** `namespace/name` of a Service. */
export type ServiceName = string & { readonly __brand: "ServiceName" };

/** Elements that may differ from the committed ones, and the record that last touched each. */
export type Dirty = ReadonlyMap<SetPath, ReadonlyMap<ElementKey, Offset>>;

/** See the head of this file. */
export interface ClusterState {
  /** The static part of the desired ruleset: a new value when the configuration changes it. */
  tables: readonly Table[];
  config: ProxyConfig;
  /** The elements the kernel should hold. */
  readonly desired: ReadonlyMap<SetPath, Map<ElementKey, Element>>;
  /** The record that made each desired element what it is. */
  readonly causes: ReadonlyMap<SetPath, Map<ElementKey, Offset>>;
  /** Every object that exists, by `describeKey`. */
  readonly objects: Map<string, KubeObject>;
  readonly services: Map<ServiceName, Service>;
  /** Slices of a Service by name; kept also while the Service itself is unknown. */
  readonly slices: Map<ServiceName, Map<string, EndpointSlice>>;
  readonly programs: Map<ServiceName, ServiceProgram>;
  /** Who wants a resource, the holder first. */
  readonly claims: Map<string, readonly ServiceName[]>;
  /** Frontends that more than one Service wants. */
  readonly contested: Set<string>;
  /** Why the holder of each of those has it. */
  readonly titles: Map<string, Title>;
  /** Frontends that Services want as another address than a cluster IP, by that address. */
  readonly atAddress: Map<Address, Set<string>>;
  /** What was left out of Services that are served, and why, for people. */
  readonly leftOut: Map<ServiceName, readonly string[]>;
  /** Ready endpoints without a slot, because their ServicePort has more than the largest class; by ServicePort. */
  readonly omitted: Map<string, number>;
  /**
   * Last record that a commit has put into the kernel; undefined before the first. Records that were committed from once
   * were complete: rules can be made from them alone.
   */
  committed: number | undefined;
  /** Services whose rules cannot be made or are refused by the kernel, and why; until their objects change. */
  readonly aside: Map<ServiceName, string>;
  /** ServicePorts that a Local policy leaves without endpoints. */
  readonly withoutLocal: Map<WithoutLocal, number>;
  /** What load balancers may ask this node about, by Service. */
  readonly healthChecks: Map<ServiceName, HealthCheck>;
  /** UDP frontends whose flows may lead where nobody serves any more, by key; see {@link takeStaleFlows}. */
  staleFlows: Map<string, UdpFrontend>;
  /** What changed since {@link takeDirty} was last called. */
  dirty: Map<SetPath, Map<ElementKey, Offset>>;
  /** What the rules go by of the own node; see {@link knownNode}. */
  node: OwnNode;
  /** Whether the own Node object was deleted, and not only not heard of. */
  nodeDeleted: boolean;
  /** The own Node object as last known: it stays in force when the object goes; see `rememberedNode`. */
  knownNode: Node | undefined;
  readonly serviceCIDRs: Map<string, ServiceCIDR>;
  /** Offset of the last record folded; -1 before the first. */
  folded: number;
}

/** The state before any record. */
export function emptyState(): ClusterState {
  const paths = [...CONTAINERS.keys(), ...FAMILIES.flatMap((family) => Object.values(OBJECT_PATHS[family]))];
  return {
    tables: skeleton(DEFAULT_PROXY_CONFIG),
    config: DEFAULT_PROXY_CONFIG,
    desired: new Map(paths.map((path) => [path, new Map<ElementKey, Element>()])),
    causes: new Map(paths.map((path) => [path, new Map<ElementKey, Offset>()])),
    objects: new Map(),
    services: new Map(),
    slices: new Map(),
    programs: new Map(),
    claims: new Map(),
    contested: new Set(),
    titles: new Map(),
    atAddress: new Map(),
    leftOut: new Map(),
    omitted: new Map(),
    committed: undefined,
    aside: new Map(),
    withoutLocal: new Map(),
    healthChecks: new Map(),
    staleFlows: new Map(),
    dirty: new Map(),
    node: { name: "", zone: "", addresses: [], linkLocal: [], podCIDRs: [] },
    nodeDeleted: false,
    knownNode: undefined,
    serviceCIDRs: new Map(),
    folded: -1,
  };
}

/** The own Node object as last known, also when it was deleted since; undefined while nothing is known of it. */
export function ownNode({ knownNode }: ClusterState): Node | undefined {
  return knownNode;
}

/** What changed since the last call; from now on changes gather anew. */
export function takeDirty(state: ClusterState): Dirty {
  const { dirty } = state;
  state.dirty = new Map();
  return dirty;
}

/** Frontends whose flows to check, gathered since the last call. */
export function takeStaleFlows(state: ClusterState): UdpFrontend[] {
  const { staleFlows } = state;
  state.staleFlows = new Map();
  return [...staleFlows.values()];
}
