// The Services at a position: their frontends and where each leads, their endpoints with node, zone and condition, and what changed
// them last. Frontends are read from what the Services hold, so a lost claim and a Service that is set aside show as what they are.

import { countText } from "../count_text.ts";
import type { ClusterState, WithObjects } from "../fold/cluster_state.ts";
import { SlicedEndpoints } from "../fold/sliced_endpoints.ts";
import { weightOf } from "../fold/weights.ts";
import { endpointsOf } from "../fold/endpoints.ts";
import { holderOf } from "../fold/claims.ts";
import { frontendClaim, type FrontendResource } from "../fold/resource.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { EndpointSlice, Service, SliceEndpoint } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { clusterAddresses, type ServicePort, servicePorts } from "../kube/service_port.ts";
import { canonicalKey, elementKey } from "../nft/ruleset.ts";
import { endpointText } from "../nft/text.ts";
import {
  type CountedConnections,
  type CountedElements,
  endpointCount,
  frontendCount,
  serviceCount,
} from "./counted_connections.ts";
import { podOf, zoneOf } from "./directory.ts";
import { type Readiness, readiness } from "./object_diff.ts";
import type { JournalCause } from "./outages.ts";
import { conditionOfService, portText, servedName } from "./service_condition.ts";

/** One Service at a position. */
export interface ServiceState {
  /** `namespace/name`. */
  readonly service: string;
  /** `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`; `headless` for one without a cluster IP. */
  readonly type: string;
  /** At its cluster IPs, external addresses and NodePorts. */
  readonly frontends: readonly FrontendState[];
  /** How many endpoints get traffic on this node, and how many there are, each address and port once. */
  readonly ready: number;
  /** How many endpoints there are, each address and port once. */
  readonly total: number;
  /** Ports whose cluster IP leads to no endpoint, by name or number. */
  readonly lacking: readonly string[];
  /** Of every port. */
  readonly endpoints: readonly EndpointState[];
  /** Why it is set aside; "" where it is not. */
  readonly aside: string;
  /** Settings that are not the default: `externalTrafficPolicy Local`. */
  readonly policies: readonly string[];
  /** The last record about it; null where that is not kept, or was not asked for. */
  readonly changed: JournalCause | null;
  /** Absent where no counts were given. */
  readonly connections?: CountedConnections;
}

/** A frontend of a Service. */
export interface FrontendState {
  /** What kind of address it has. */
  readonly kind: "cluster IP" | "external IP" | "load balancer" | "NodePort";
  /** The port, by its name or number. */
  readonly port: string;
  /** `10.96.0.1:80/tcp`, `:30080/tcp`. */
  readonly text: string;
  /** `refused`: no node has endpoints. `dropped`: only others have. `held`: by another Service. `nowhere`: set aside. */
  readonly leads: "endpoints" | "refused" | "dropped" | "held" | "nowhere";
  /** The Service that holds it, where that is another one; else "". */
  readonly holder: string;
  /** Absent where no counts were given. */
  readonly connections?: CountedConnections;
}

/** Address and port of a frontend, without its protocol: `10.96.0.1:80`, `:30080`. */
export function frontendPlace({ text }: FrontendState): string {
  return text.slice(0, text.lastIndexOf("/"));
}

/** An endpoint of a Service. */
export interface EndpointState {
  /** The port of the Service, by its name or number. */
  readonly port: string;
  /** `10.244.0.1:8080`. */
  readonly endpoint: string;
  /** "" where the ledger does not know it. */
  readonly node: string;
  /** The zone of that node; "" where the ledger does not know it. */
  readonly zone: string;
  /** `namespace/name`; "" where the ledger does not know it. */
  readonly pod: string;
  /** As its slice says. */
  readonly condition: Readiness;
  /** Which traffic gets to it on this node: `local` is that of Local policies only. */
  readonly traffic: "all" | "local" | "none";
  /** Its share beside the others; 0: it gets no new connections. */
  readonly weight: number;
  /** `namespace/name` of its EndpointSlice. */
  readonly slice: string;
  /** The record with which it began to get traffic; null where it gets none, where that is not kept, or was not asked for. */
  readonly since: JournalCause | null;
  /** How many it got; absent where no counts were given. */
  readonly connections?: number;
}

/** What the journal knows of Services and endpoints. */
export interface KnownPast {
  /** The last record about each Service. */
  readonly changed: ReadonlyMap<string, JournalCause>;
  /** The record with which each endpoint began to get traffic, by {@link endpointKey}. */
  readonly since: ReadonlyMap<string, JournalCause>;
  /** What the kernel has counted, where it counts. */
  readonly counted?: CountedElements | undefined;
}

/** An endpoint of a Service: `served` names it as `servedBy` does. */
export function endpointKey(service: string, served: string): string {
  return `${service} ${served}`;
}

const NOTHING_KNOWN: KnownPast = { changed: new Map(), since: new Map() };

/** What of a ClusterState Services are read from. */
export type ServicesState = Pick<
  ClusterState,
  "services" | "slices" | "programs" | "claims" | "aside" | "node" | "objects"
>;

/** The Services of `state` by name, or only `names`. */
export function servicesOfState(
  state: ServicesState,
  names: Iterable<ServiceName> = state.services.keys(),
  known: KnownPast = NOTHING_KNOWN,
): ServiceState[] {
  const zones = zonesOf(state);
  return [...names].sort().flatMap((name) => {
    const service = state.services.get(name);
    return service === undefined ? [] : [serviceState({ state, zones, known, name }, service)];
  });
}

/** What a Service is read from. */
interface ServiceReading {
  readonly state: ServicesState;
  readonly zones: ReadonlyMap<string, string>;
  readonly known: KnownPast;
  readonly name: ServiceName;
}

/** The zone of each node that has a Node object with one. */
function zonesOf({ objects }: WithObjects): Map<string, string> {
  const zones = new Map<string, string>();
  for (const object of objects.values()) {
    const zone = object.kind === "Node" ? zoneOf(object) : undefined;
    if (zone !== undefined) zones.set(object.metadata.name, zone);
  }
  return zones;
}

function serviceState(reading: ServiceReading, service: Service): ServiceState {
  const { state, name, known } = reading;
  const ports = servicePorts(service);
  const slices = [...state.slices.get(name)?.values() ?? []];
  const endpoints = ports.flatMap((port) => endpointStates(reading, port, slices));
  const serving = endpoints.filter(({ traffic }) => traffic !== "none" && !state.aside.has(name));
  const count = (list: readonly EndpointState[]) => new Set(list.map(({ endpoint }) => endpoint)).size;
  return {
    service: name,
    type: typeOf(service),
    frontends: ports.flatMap((port) => frontendStates(reading, port)),
    ready: count(serving),
    total: count(endpoints),
    lacking: conditionOfService(state, name)?.lacking ?? [],
    endpoints,
    aside: state.aside.get(name) ?? "",
    policies: ports[0] === undefined ? [] : policiesOf(ports[0]),
    changed: known.changed.get(name) ?? null,
    ...(known.counted && { connections: serviceCount(known.counted, name) }),
  };
}

function typeOf(service: Service): string {
  const { type = "ClusterIP" } = service.spec;
  return type !== "ExternalName" && clusterAddresses(service).length === 0 ? "headless" : type;
}

/** The settings of a port that are not the default, as text. All but source ranges are those of its Service. */
export function policiesOf(port: ServicePort): string[] {
  return [
    ...(port.internalLocal ? ["internalTrafficPolicy Local"] : []),
    ...(port.externalLocal ? ["externalTrafficPolicy Local"] : []),
    ...(port.affinitySeconds > 0 ? [`ClientIP affinity for ${port.affinitySeconds} s`] : []),
    ...(port.byClient ? ["choice by client"] : []),
    ...(port.sourceRanges.length > 0 ? [countText(port.sourceRanges.length, "source range")] : []),
  ];
}

/** The frontends of a port: its cluster IP, its external addresses, its NodePort. */
function frontendStates(
  { state, name, known: { counted } }: ServiceReading,
  port: ServicePort,
): FrontendState[] {
  const { family, protocol, clusterIP, externalIPs, balancerIPs, nodePort } = port;
  const at = (kind: FrontendState["kind"], key: string, text: string): FrontendState => {
    const claim = frontendClaim(family, canonicalKey(key));
    const resource = state.programs.get(name)?.resources.get(claim);
    const holder = holderOf(state, claim) ?? name;
    const held = holder !== name;
    const leads = held ? "held" : resource?.kind === "frontend" ? leadsTo(resource) : "nowhere";
    return {
      ...{ kind, port: portText(port), text: `${text}/${protocol}`, leads, holder: held ? holder : "" },
      // What another Service holds has counted for that one.
      ...(counted && !held && { connections: frontendCount(counted, family, canonicalKey(key)) }),
    };
  };
  const addressed = (kind: FrontendState["kind"], address: ServicePort["clusterIP"]) =>
    at(kind, elementKey([address, protocol, String(port.port)]), endpointText(address, port.port));
  return [
    addressed("cluster IP", clusterIP),
    ...externalIPs.map((address) =>
      addressed(balancerIPs.includes(address) ? "load balancer" : "external IP", address)
    ),
    ...(nodePort === 0 ? [] : [at("NodePort", elementKey([protocol, String(nodePort)]), `:${nodePort}`)]),
  ];
}

function leadsTo({ values: { local, refuse } }: FrontendResource): FrontendState["leads"] {
  if (local !== undefined || refuse === undefined) return "endpoints";
  return refuse === "drop" ? "dropped" : "refused";
}

/** The endpoints of one port in `slices`. The policies decide which of them get traffic, as they do for the rules. */
function endpointStates(
  { state, zones, known, name }: ServiceReading,
  port: ServicePort,
  slices: readonly EndpointSlice[],
): EndpointState[] {
  const chosen = endpointsOf(port, new SlicedEndpoints(slices), state.node);
  const [cluster, local] = [new Set(chosen.cluster), new Set(chosen.local)];
  const found = new Map<string, EndpointState>();
  for (const slice of slices) {
    for (const [endpoint, number] of endpointsIn(port, slice)) {
      const address = parseAddress(endpoint.addresses[0] ?? "");
      if (address === undefined || familyOf(address) !== port.family) continue;
      const key = elementKey([address, String(number)]);
      const node = endpoint.nodeName ?? "";
      const traffic = cluster.has(key) ? "all" : local.has(key) ? "local" : "none";
      const served = endpointKey(name, servedName(port, key));
      const one: EndpointState = {
        port: portText(port),
        endpoint: endpointText(address, number),
        node,
        zone: zones.get(node) ?? "",
        pod: podOf(endpoint, slice.metadata.namespace ?? "") ?? "",
        condition: readiness(endpoint),
        traffic,
        weight: weightOf(slice),
        slice: `${slice.metadata.namespace ?? ""}/${slice.metadata.name}`,
        since: traffic === "none" ? null : known.since.get(served) ?? null,
        ...(known.counted && { connections: endpointCount(known.counted, port.name, key) }),
      };
      // An endpoint can be in two slices while the controller moves it: the entry that is ready counts.
      if (!found.has(key) || one.condition === "ready") found.set(key, one);
    }
  }
  return [...found.values()].sort((a, b) => a.endpoint < b.endpoint ? -1 : 1);
}

/** Endpoints of `slice` for `port`, each with its port number. */
export function endpointsIn(port: ServicePort, slice: EndpointSlice): (readonly [SliceEndpoint, number])[] {
  if (slice.addressType !== (port.family === "ip" ? "IPv4" : "IPv6")) return [];
  return slice.ports.flatMap(({ name, protocol, port: number }) =>
    (name ?? "") === port.portName && (protocol ?? "TCP").toLowerCase() === port.protocol && number
      ? slice.endpoints.map((endpoint) => [endpoint, number] as const)
      : []
  );
}
