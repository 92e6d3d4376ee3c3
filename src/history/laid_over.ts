// An object of a manifest as the API server would store it. A manifest leaves out what the API server fills in and what controllers
// write; where the object is known, that stays as it is.

import {
  describeKey,
  type KubeObject,
  objectKey,
  type Service,
  type ServicePortSpec,
} from "../kube/objects.ts";

/**
 * `object` as the API server would store it: what it allocates, and what controllers write, stays as it is. An object with a uid is
 * what the API server has stored already. `unknown`: what only the API server can decide, as text.
 */
export function laidOver(
  objects: ReadonlyMap<string, KubeObject>,
  object: KubeObject,
): { readonly object: KubeObject; readonly unknown: readonly string[] } {
  const known = objects.get(describeKey(objectKey(object)));
  if (object.kind !== "Service" || object.metadata.uid !== undefined) return { object, unknown: [] };
  const service = known?.kind === "Service" ? keptOf(known, object) : object;
  return { object: service, unknown: allocatedIn(service) };
}

/** What the API server allocates for `service`, as text. */
function allocatedIn(service: Service): string[] {
  const name = `${service.metadata.namespace}/${service.metadata.name}`;
  const { type, clusterIP, clusterIPs = [], ipFamilies = [], ports = [] } = service.spec;
  if (type === "ExternalName" || clusterIP === "None") return [];
  const unknown: string[] = [];
  if (!clusterIP && clusterIPs.length === 0) unknown.push(`${name}: its cluster IP is to be allocated`);
  else if (clusterIPs.length > 0 && clusterIPs.length < ipFamilies.length) {
    unknown.push(`${name}: its second cluster IP is to be allocated`);
  }
  const exposed = type === "NodePort" || type === "LoadBalancer";
  if (exposed && ports.some(({ nodePort }) => !nodePort)) {
    unknown.push(`${name}: a NodePort is to be allocated`);
  }
  return unknown;
}

/** `service` with what `known` has and a manifest leaves out. */
function keptOf(known: Service, service: Service): Service {
  const { spec } = service;
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
      ...keptAddresses(known, spec),
      ports: keptPorts(known, spec),
    },
  };
}

/** The cluster IPs of `known` where `spec` names none: as many as it has families. */
function keptAddresses({ spec: known }: Service, spec: Service["spec"]): Partial<Service["spec"]> {
  if (spec.type === "ExternalName" || spec.clusterIP || spec.clusterIPs?.length) return {};
  return {
    ...(known.clusterIP === undefined ? {} : { clusterIP: known.clusterIP }),
    ...(known.clusterIPs === undefined
      ? {}
      : { clusterIPs: known.clusterIPs.slice(0, spec.ipFamilies?.length ?? Infinity) }),
  };
}

/** The ports of `spec`. A NodePort stays with the name of its port (pkg/registry/core/service/storage, 1.37: patchAllocatedValues). */
function keptPorts({ spec: known }: Service, spec: Service["spec"]): ServicePortSpec[] {
  const exposed = spec.type === "NodePort" || spec.type === "LoadBalancer";
  const used = new Set(spec.ports?.map(({ nodePort }) => nodePort));
  return (spec.ports ?? []).map(({ nodePort: own, ...port }) => {
    const kept = known.ports?.find(({ name = "" }) => name === (port.name ?? ""))?.nodePort;
    // 0 is no NodePort, as in a manifest that leaves it out.
    const nodePort = own || (exposed && kept && !used.has(kept) ? kept : undefined);
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
    ...(known.ipFamilies === undefined ? {} : { ipFamilies: known.ipFamilies }),
  };
  return { ...defaults, ...spec };
}
