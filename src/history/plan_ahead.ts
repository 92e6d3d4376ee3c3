// What a node would do if objects were applied: laid over the state at a position and folded, as `kubectl apply` would, then compared.
// Packets are compared, not elements: from each class of clients to each frontend that the objects concern.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { readFrontendClaim } from "../fold/resource.ts";
import { titleText } from "../fold/title.ts";
import { describeKey, type KubeObject, objectKey, type Service } from "../kube/objects.ts";
import { readServiceName, type ServiceName, serviceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import { endpointText } from "../nft/text.ts";
import { type ClientClass, packetsTo } from "./frontend_packets.ts";
import { endpointChanges, endpointChangeText, fieldChanges, fieldChangeText } from "./object_diff.ts";
import type { Outcome, Packet } from "./trace.ts";
import { traceAt } from "./why.ts";

/** See the head of this file. */
export interface PlanAhead {
  /** Offset of the last record of the state. */
  readonly at: number;
  readonly objects: readonly PlannedObject[];
  readonly packets: readonly PlannedPacket[];
  /** Frontends that more than one Service would claim, and did not before, as text. */
  readonly conflicts: readonly string[];
  /** Services that would be set aside, or of which parts would be left out, as text. */
  readonly leftOut: readonly string[];
  /** What cannot be known before the API server has stored the objects, as text. */
  readonly unknown: readonly string[];
  /** How many of `packets` are served now and would not be. */
  readonly unserved: number;
}

/** An object that would be applied. */
export interface PlannedObject {
  /** `Service shop/web`. */
  readonly object: string;
  readonly verb: "appears" | "changes" | "stays";
  /** As `log` prints them. */
  readonly changes: readonly string[];
}

/** A packet that would go elsewhere. */
export interface PlannedPacket {
  readonly client: ClientClass;
  /** `namespace/name` of the Service. */
  readonly service: string;
  readonly packet: Packet;
  /** Whether it reaches an endpoint now, and would. */
  readonly serves: "as now" | "no more" | "newly" | "neither";
  readonly before: readonly Outcome[];
  readonly after: readonly Outcome[];
}

/**
 * What would change if `objects` were applied to the state that `state` makes: it is called twice, and each time it must return a
 * state of its own. `at`: the offset that the objects are folded with.
 */
export function planAhead(
  state: () => ClusterState,
  objects: readonly KubeObject[],
  at: Offset,
): PlanAhead {
  const [before, after] = [state(), state()];
  const unknown: string[] = [];
  const planned = objects.map((object) => laidOver(before, object, unknown));
  for (const object of planned) {
    const key = objectKey(object);
    const event = { kind: "event", key, value: object, resourceVersion: "", time: "" } as const;
    foldRecord(after, at, event);
  }
  const packets = packetsOf(concerned(planned, before, after), before, after);
  return {
    at: before.folded,
    objects: planned.map((object) => plannedObject(before, object)),
    packets,
    conflicts: newConflicts(before, after),
    leftOut: newlyLeftOut(before, after),
    unknown,
    unserved: packets.filter(({ serves }) => serves === "no more").length,
  };
}

/** `object` as the API server would store it: what it allocates, and what controllers write, stays as it is. */
function laidOver({ objects }: ClusterState, object: KubeObject, unknown: string[]): KubeObject {
  const known = objects.get(describeKey(objectKey(object)));
  if (object.kind !== "Service") return object;
  const service = known?.kind === "Service" ? keptOf(known, object) : object;
  const name = `${service.metadata.namespace}/${service.metadata.name}`;
  const { type, clusterIP, clusterIPs, ports = [] } = service.spec;
  if (type === "ExternalName" || clusterIP === "None") return service;
  if (!clusterIP && !clusterIPs?.length) unknown.push(`${name}: its cluster IP is to be allocated`);
  const exposed = type === "NodePort" || type === "LoadBalancer";
  if (exposed && ports.some(({ nodePort }) => !nodePort)) {
    unknown.push(`${name}: a NodePort is to be allocated`);
  }
  if (known === undefined) unknown.push(`${name}: its endpoints are unknown`);
  return service;
}

/** `service` with what `known` has and a manifest leaves out. */
function keptOf(known: Service, service: Service): Service {
  const { spec } = service;
  const addresses = spec.type === "ExternalName" || spec.clusterIP || spec.clusterIPs?.length ? {} : {
    ...(known.spec.clusterIP === undefined ? {} : { clusterIP: known.spec.clusterIP }),
    ...(known.spec.clusterIPs === undefined ? {} : { clusterIPs: known.spec.clusterIPs }),
  };
  const exposed = spec.type === "NodePort" || spec.type === "LoadBalancer";
  const ports = (spec.ports ?? []).map((port) => {
    const same = known.spec.ports?.find(({ name, protocol, port: number }) =>
      (name ?? "") === (port.name ?? "") && (protocol ?? "TCP") === (port.protocol ?? "TCP") &&
      number === port.port
    );
    const nodePort = exposed ? port.nodePort ?? same?.nodePort : undefined;
    return { ...port, protocol: port.protocol ?? "TCP", ...(nodePort === undefined ? {} : { nodePort }) };
  });
  const { healthCheckNodePort } = known.spec;
  return {
    ...service,
    ...(service.status ?? known.status ? { status: { ...service.status ?? known.status } } : {}),
    metadata: { ...known.metadata, ...service.metadata },
    spec: {
      ...(healthCheckNodePort !== undefined && spec.externalTrafficPolicy === "Local"
        ? { healthCheckNodePort }
        : {}),
      ...defaulted(known, spec),
      ...addresses,
      ports,
    },
  };
}

/** Fields that the API server fills in (core/v1 defaults), where a manifest leaves them out and the known Service has the default. */
function defaulted({ spec: known }: Service, spec: Service["spec"]): Service["spec"] {
  const defaults: Service["spec"] = {
    ...(known.type === "ClusterIP" ? { type: "ClusterIP" } : {}),
    ...(known.sessionAffinity === "None" ? { sessionAffinity: "None" } : {}),
    ...(known.internalTrafficPolicy === "Cluster" ? { internalTrafficPolicy: "Cluster" } : {}),
    ...(known.externalTrafficPolicy === "Cluster" && spec.type !== undefined && spec.type !== "ClusterIP"
      ? { externalTrafficPolicy: "Cluster" }
      : {}),
    ...(known.ipFamilies === undefined ? {} : { ipFamilies: known.ipFamilies }),
  };
  return { ...defaults, ...spec };
}

function plannedObject({ objects }: ClusterState, object: KubeObject): PlannedObject {
  const name = describeKey(objectKey(object));
  const known = objects.get(name);
  const slices = [known, object].map((one) => one?.kind === "EndpointSlice" ? one : undefined);
  const endpoints = endpointChanges(slices[0], slices[1]).map(endpointChangeText);
  if (known === undefined) return { object: name, verb: "appears", changes: endpoints };
  const changes = [...endpoints, ...fieldChanges(known, object).map(fieldChangeText)];
  return { object: name, verb: changes.length === 0 ? "stays" : "changes", changes };
}

/** The Services that `planned` can concern: those themselves, and those that claim a frontend of theirs. */
function concerned(planned: readonly KubeObject[], ...states: readonly ClusterState[]): Set<ServiceName> {
  const names = new Set<ServiceName>();
  for (const object of planned) {
    const { namespace = "", name, labels } = object.metadata;
    if (object.kind === "Service") names.add(serviceName(namespace, name));
    const owner = labels?.["kubernetes.io/service-name"];
    if (object.kind === "EndpointSlice" && owner !== undefined) names.add(serviceName(namespace, owner));
    // The node and the ranges of Services concern all of them.
    if (object.kind === "Node" || object.kind === "ServiceCIDR") {
      for (const { services } of states) for (const one of services.keys()) names.add(one);
    }
  }
  for (const { programs, claims } of states) {
    for (const name of [...names]) {
      for (const claim of programs.get(name)?.resources.keys() ?? []) {
        for (const other of claims.get(claim) ?? []) names.add(readServiceName(other));
      }
    }
  }
  return names;
}

/** The packets to frontends of `names` that would go elsewhere. */
function packetsOf(
  names: ReadonlySet<ServiceName>,
  before: ClusterState,
  after: ClusterState,
): PlannedPacket[] {
  const seen = new Set<string>();
  const found: PlannedPacket[] = [];
  for (const name of [...names].sort()) {
    for (const state of [before, after]) {
      for (const [client, packet] of packetsTo(state, name)) {
        const key = JSON.stringify([client, packet.destination, packet.protocol, packet.port]);
        if (seen.has(key)) continue;
        seen.add(key);
        const [was, is] = [before, after].map((one) => traceAt(one, packet).outcomes);
        if (JSON.stringify(was) === JSON.stringify(is)) continue;
        found.push({
          client,
          service: name,
          packet,
          serves: served(packet, was!, is!),
          before: was!,
          after: is!,
        });
      }
    }
  }
  return found;
}

function served(
  packet: Packet,
  before: readonly Outcome[],
  after: readonly Outcome[],
): PlannedPacket["serves"] {
  const reaches = (outcomes: readonly Outcome[]) =>
    outcomes.some(({ kind, destination, port }) =>
      kind === "deliver" && (destination !== packet.destination || port !== packet.port)
    );
  const [was, is] = [reaches(before), reaches(after)];
  if (was) return is ? "as now" : "no more";
  return is ? "newly" : "neither";
}

function newConflicts(before: ClusterState, after: ClusterState): string[] {
  return [...after.contested].filter((claim) => !before.contested.has(claim)).sort().map((claim) => {
    const [holder, ...others] = after.claims.get(claim) ?? [];
    const { frontend } = readFrontendClaim(claim) ?? { frontend: claim };
    return `${frontend} would be claimed by ${others.join(", ")} too: ${holder}, ${
      titleText(after.titles.get(claim))
    }, would have it`;
  });
}

function newlyLeftOut(before: ClusterState, after: ClusterState): string[] {
  const aside = [...after.aside].filter(([name]) => !before.aside.has(name)).map(([name, why]) =>
    `${name} would be set aside: ${why}`
  );
  const parts = [...after.leftOut].flatMap(([name, parts]) => {
    const known = new Set(before.leftOut.get(name));
    return parts.filter((part) => !known.has(part)).map((part) => `${name}: ${part}`);
  });
  return [...aside, ...parts].sort();
}

/** `10.96.0.1:80/tcp`: where a packet is sent. */
export function placeText({ destination, port, protocol }: Packet): string {
  return `${endpointText(destination, port)}/${protocol}`;
}
