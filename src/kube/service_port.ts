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
  /** Name of the port as EndpointSlices spell it; "" when it has none. */
  readonly portName: string;
  readonly clusterIP: Address;
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
  const clusterIPs = clusterAddresses(service);
  return (service.spec.ports ?? []).flatMap((port) =>
    clusterIPs.map((clusterIP): ServicePort => ({
      name: port.name ? `${namespace}/${name}:${port.name}` : `${namespace}/${name}`,
      family: familyOf(clusterIP),
      protocol: (port.protocol ?? "TCP").toLowerCase() as Protocol,
      port: port.port,
      portName: port.name ?? "",
      clusterIP,
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
