// ServicePort: one port of one Service in one address family, the unit that is balanced. Derived from a Service by the
// rules of kube-proxy (pkg/proxy/serviceport.go, 1.37).

import type { Address, Family, Protocol } from "../nft/data_type.ts";
import { familyOf, parseAddress } from "./address.ts";
import type { Service } from "./objects.ts";

/** One balanced port. */
export interface ServicePort {
  /** `namespace/name:port`, or `namespace/name` when the port has no name: kube-proxy's ServicePortName. */
  readonly name: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** Port on every node; 0: none. */
  readonly nodePort: number;
  /** Name of the port as EndpointSlices spell it; "" when it has none. */
  readonly portName: string;
  readonly clusterIP: Address;
  /** External IPs and load balancer addresses of the family, each once, in the order of the object. */
  readonly externalIPs: readonly Address[];
  /** internalTrafficPolicy Local: the cluster IP leads to endpoints on the own node only. */
  readonly internalLocal: boolean;
  /** externalTrafficPolicy Local: traffic from outside meets endpoints on the own node only. */
  readonly externalLocal: boolean;
}

const PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name";

/** Whether this proxy serves the Service at all: not headless, not ExternalName, not another proxy's. */
export function isProxied(service: Service): boolean {
  const { clusterIP, type } = service.spec;
  if (clusterIP === undefined || clusterIP === "" || clusterIP === "None" || type === "ExternalName") {
    return false;
  }
  return service.metadata.labels?.[PROXY_NAME_LABEL] === undefined;
}

/** The balanced ports of `service` in both families, in the order of its spec; empty for one that is not proxied. */
export function servicePorts(service: Service): ServicePort[] {
  if (!isProxied(service)) return [];
  const { namespace, name } = service.metadata;
  const families = clusterAddresses(service).map((clusterIP) => ({
    clusterIP,
    family: familyOf(clusterIP),
    externalIPs: externalAddresses(service, familyOf(clusterIP)),
    internalLocal: service.spec.internalTrafficPolicy === "Local",
    externalLocal: isExternalLocal(service),
  }));
  return (service.spec.ports ?? []).flatMap((port) =>
    families.map((family): ServicePort => ({
      ...family,
      name: port.name ? `${namespace}/${name}:${port.name}` : `${namespace}/${name}`,
      protocol: (port.protocol ?? "TCP").toLowerCase() as Protocol,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      portName: port.name ?? "",
    }))
  );
}

/** One cluster IP a family, the first of each in spec.clusterIPs, or spec.clusterIP where that list is empty. */
export function clusterAddresses(service: Service): Address[] {
  const { clusterIP, clusterIPs } = service.spec;
  const listed = clusterIPs?.length ? clusterIPs : [clusterIP ?? ""];
  const addresses = listed.map(parseAddress).filter((address) => address !== null);
  return addresses.filter((address, i) =>
    addresses.findIndex((a) => familyOf(a) === familyOf(address)) === i
  );
}

/** Load balancer addresses count unless the balancer delivers to the node itself (ipMode Proxy, KEP-1860). */
function externalAddresses(service: Service, family: Family): Address[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const balancers = ingress.filter(({ ipMode }) => ipMode === undefined || ipMode === "VIP").flatMap((
    { ip },
  ) => ip ?? []);
  const all = [...service.spec.externalIPs ?? [], ...balancers].map(parseAddress).filter((address) =>
    address !== null
  );
  return [...new Set(all)].filter((address) => familyOf(address) === family);
}

function isExternalLocal({ spec }: Service): boolean {
  const exposed = spec.type === "LoadBalancer" || spec.type === "NodePort" ||
    (spec.externalIPs?.length ?? 0) > 0;
  return exposed && spec.externalTrafficPolicy === "Local";
}
