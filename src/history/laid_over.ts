// An object of a manifest as the API server would store it. A manifest leaves out what the API server fills in and what controllers
// write; where the object is known, that stays as it is.

import {
  describeKey,
  type KubeObject,
  objectKey,
  type Service,
  type ServicePortSpec,
} from "../kube/objects.ts";
import type { ServiceManifest } from "../kube/service_manifest.ts";
import { isExposed, refusalsOf } from "./refusals.ts";

/** An object as it would be stored. */
export interface LaidOver {
  /** Undefined where the API server would refuse it. */
  readonly object: KubeObject | undefined;
  /** What only the API server can decide, as text. */
  readonly unknown: readonly string[];
  /** Why it would refuse the object, as text. */
  readonly refused: readonly string[];
}

/**
 * `object` as the API server would store it: what it allocates, and what controllers write, stays as it is. An object with a uid is
 * what the API server has stored already. `manifest`: further fields of a Service.
 */
export function laidOver(
  objects: ReadonlyMap<string, KubeObject>,
  object: KubeObject,
  manifest?: ServiceManifest,
): LaidOver {
  const found = objects.get(describeKey(objectKey(object)));
  if (object.kind !== "Service" || object.metadata.uid !== undefined) {
    return { object, unknown: [], refused: [] };
  }
  const known = found?.kind === "Service" ? found : undefined;
  const name = `${object.metadata.namespace}/${object.metadata.name}`;
  const named = (text: string) => `${name}: ${text}`;
  const refused = refusalsOf(known, object, manifest);
  if (refused.length > 0) return { object: undefined, unknown: [], refused: refused.map(named) };
  const service = withAffinity(known === undefined ? object : keptOf(known, object, manifest));
  return { object: service, unknown: allocatedIn(known, service, manifest).map(named), refused: [] };
}

/** What the API server, and a controller of load balancers, decide for `service`, as text. */
function allocatedIn(
  known: Service | undefined,
  service: Service,
  { ipFamilyPolicy, allocateLoadBalancerNodePorts }: Partial<ServiceManifest> = {},
): string[] {
  const { type, clusterIP, clusterIPs = [], ipFamilies = [], ports = [] } = service.spec;
  if (type === "ExternalName" || clusterIP === "None") return [];
  const unknown: string[] = [];
  const hasNone = !clusterIP && clusterIPs.length === 0;
  const isDual = ipFamilyPolicy === "RequireDualStack" || ipFamilies.length === 2;
  if (hasNone) {
    unknown.push(isDual ? "its cluster IPs are to be allocated" : "its cluster IP is to be allocated");
  } else if (clusterIPs.length < 2 && isDual) unknown.push("its second cluster IP is to be allocated");
  if (ipFamilyPolicy === "PreferDualStack" && !isDual && clusterIPs.length < 2) {
    unknown.push("a second cluster IP is to be allocated where the cluster has two families");
  }
  if (isExposed(service.spec) && ports.some(({ nodePort }) => !nodePort)) {
    const had = known?.spec.type === "LoadBalancer" && known.spec.ports?.every(({ nodePort }) => !nodePort);
    const without = type === "LoadBalancer" ? allocateLoadBalancerNodePorts : true;
    if (without === undefined && had) {
      unknown.push("a NodePort is to be allocated, unless its allocateLoadBalancerNodePorts stays false");
    } else if (without !== false) unknown.push("a NodePort is to be allocated");
  }
  const isNew = type === "LoadBalancer" && known?.spec.type !== "LoadBalancer";
  if (isNew && !service.status?.loadBalancer?.ingress?.length) {
    unknown.push("the addresses of its load balancer are to be allocated");
  }
  return unknown;
}

/** `service` with what `known` has and a manifest leaves out. */
function keptOf(known: Service, service: Service, manifest: Partial<ServiceManifest> = {}): Service {
  const { spec } = service;
  const { healthCheckNodePort } = known.spec;
  // Without the type LoadBalancer the API server empties the status (Kubernetes issue 119789).
  const status = spec.type === "LoadBalancer" ? service.status ?? known.status : undefined;
  return {
    ...withoutStatus(service),
    ...(status === undefined ? {} : { status: { ...status } }),
    metadata: { ...known.metadata, ...service.metadata },
    spec: {
      ...(healthCheckNodePort !== undefined && spec.externalTrafficPolicy === "Local"
        ? { healthCheckNodePort }
        : {}),
      ...defaulted(known, spec),
      ...keptAddresses(known, spec, manifest.ipFamilyPolicy === "SingleStack"),
      ports: keptPorts(known, spec),
    },
  };
}

function withoutStatus({ status: _, ...service }: Service): Service {
  return service;
}

/** The cluster IPs and families of `known` where `spec` names none. With `isSingle` the second of each is released. */
function keptAddresses(
  { spec: known }: Service,
  spec: Service["spec"],
  isSingle: boolean,
): Partial<Service["spec"]> {
  if (spec.type === "ExternalName") return {};
  const most = isSingle ? 1 : Infinity;
  const ipFamilies = (spec.ipFamilies ?? known.ipFamilies)?.slice(0, most);
  const families = ipFamilies === undefined ? {} : { ipFamilies };
  // The first cluster IP may not change, so one that is written is that of the known Service.
  const clusterIP = spec.clusterIP || known.clusterIP;
  const clusterIPs = (spec.clusterIPs?.length ? spec.clusterIPs : known.clusterIPs)?.slice(0, most);
  if (!known.clusterIP) return families;
  return {
    ...families,
    ...(clusterIP === undefined ? {} : { clusterIP }),
    ...(clusterIPs === undefined ? {} : { clusterIPs }),
  };
}

/** The ports of `spec`. A NodePort stays with the name of its port (pkg/registry/core/service/storage, 1.37: patchAllocatedValues). */
function keptPorts({ spec: known }: Service, spec: Service["spec"]): ServicePortSpec[] {
  const exposed = isExposed(spec);
  const used = new Set(spec.ports?.map(({ nodePort }) => nodePort));
  return (spec.ports ?? []).map(({ nodePort: own, ...port }) => {
    const kept = known.ports?.find(({ name = "" }) => name === (port.name ?? ""))?.nodePort;
    // 0 is no NodePort, as in a manifest that leaves it out.
    const nodePort = exposed ? own || (kept && !used.has(kept) ? kept : undefined) : undefined;
    used.add(nodePort);
    return { ...port, protocol: port.protocol ?? "TCP", ...(nodePort === undefined ? {} : { nodePort }) };
  });
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
  };
  return { ...defaults, ...spec };
}

/** The API server's default for ClientIP affinity, in seconds (core/v1). */
const AFFINITY_SECONDS = 10_800;

/** `service` with the timeout of its affinity. */
function withAffinity(service: Service): Service {
  const { sessionAffinity, sessionAffinityConfig } = service.spec;
  if (sessionAffinity !== "ClientIP" || sessionAffinityConfig?.clientIP?.timeoutSeconds !== undefined) {
    return service;
  }
  return {
    ...service,
    spec: { ...service.spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } },
  };
}
