// ServicePort: one port of one Service in one address family, the unit of load balancing. It is derived from a Service by
// the rules of kube-proxy (pkg/proxy/serviceport.go, 1.37).

import type { Address, Family, Protocol } from "../nft/data_type.ts";
import { type Cidr, disjoint, familyOf, isLinkLocal, isSpecial, parseAddress, parseCidr } from "./address.ts";
import { choosesByClient } from "./client_choice.ts";
import type { Service } from "./objects.ts";
import { nameOfService, type ServiceName } from "./service_name.ts";

/** One balanced port. */
export interface ServicePort {
  /** `namespace/name:port`, or `namespace/name` when the port has no name: kube-proxy's ServicePortName. */
  readonly name: string;
  readonly namespace: string;
  /** Name of the Service. */
  readonly service: string;
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
  /** Those of `externalIPs` that are addresses of the load balancer. */
  readonly balancerIPs: readonly Address[];
  /** loadBalancerSourceRanges of the family, disjoint. Empty: every source may connect. */
  readonly sourceRanges: readonly Cidr[];
  /** internalTrafficPolicy Local: the cluster IP leads to endpoints on the own node only. */
  readonly internalLocal: boolean;
  /** externalTrafficPolicy Local: traffic from outside meets endpoints on the own node only. */
  readonly externalLocal: boolean;
  /** Seconds for which a client gets the same endpoint again (affinity ClientIP); 0: no affinity. */
  readonly affinitySeconds: number;
  /** Whether a client meets the same endpoint as long as the list does not change; never with affinity. */
  readonly byClient: boolean;
}

/** The API server's default for a Service that does not set it (core/v1). */
export const AFFINITY_SECONDS_DEFAULT = 10_800;

/** Whether a proxy serves the Service: it is not headless and not an ExternalName. Which proxy: see service_proxy_name.ts. */
export function isProxied(service: Service): boolean {
  const { clusterIP, type } = service.spec;
  return clusterIP !== undefined && clusterIP !== "" && clusterIP !== "None" && type !== "ExternalName";
}

/**
 * The balanced ports of `service` in both families, in the order of its spec; empty for one that is not proxied.
 * `ownLinkLocal`: link-local addresses of the own node, which cannot be addresses of a load balancer.
 */
export function servicePorts(service: Service, ownLinkLocal: readonly Address[] = NONE): ServicePort[] {
  return portsInFamilies(service, serviceFamilies(service, ownLinkLocal));
}

/** The balanced ports of `service` in `families`, in the order of its spec. `name` is that of the Service, where it is at hand. */
export function portsInFamilies(
  service: Service,
  families: readonly ServiceFamily[],
  name = nameOfService(service.metadata),
): ServicePort[] {
  const { ports = NONE } = service.spec;
  if (families.length === 1) return ports.map((port) => portInFamily(service, name, port, families[0]!));
  return ports.flatMap((port) => families.map((family) => portInFamily(service, name, port, family)));
}

/** By their names in the API. Decoding leaves no others. One text each: to write one in small letters makes another each time. */
const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([["TCP", "tcp"], ["UDP", "udp"], ["SCTP", "sctp"]]);

function portInFamily(
  { metadata }: Service,
  name: ServiceName,
  port: NonNullable<Service["spec"]["ports"]>[number],
  family: ServiceFamily,
): ServicePort {
  // Field by field: a copy that grows takes twice the memory, and there is one for each port of a cluster.
  return {
    name: port.name ? `${name}:${port.name}` : name,
    namespace: metadata.namespace ?? "",
    service: metadata.name,
    family: family.family,
    protocol: PROTOCOLS.get(port.protocol ?? "TCP")!,
    port: port.port,
    nodePort: port.nodePort ?? 0,
    portName: port.name ?? "",
    clusterIP: family.clusterIP,
    externalIPs: family.externalIPs,
    balancerIPs: family.balancerIPs,
    sourceRanges: family.sourceRanges,
    internalLocal: family.internalLocal,
    externalLocal: family.externalLocal,
    affinitySeconds: family.affinitySeconds,
    byClient: family.byClient,
  };
}

/** What all ports of a Service have in common, by family. */
export type ServiceFamily = Pick<
  ServicePort,
  | "clusterIP"
  | "family"
  | "externalIPs"
  | "balancerIPs"
  | "sourceRanges"
  | "affinitySeconds"
  | "byClient"
  | "internalLocal"
  | "externalLocal"
>;

/** The families of `service`; none for one that is not proxied. */
export function serviceFamilies(
  service: Service,
  ownLinkLocal: readonly Address[] = NONE,
): ServiceFamily[] {
  if (!isProxied(service)) return [];
  return clusterAddresses(service).map((clusterIP) => {
    const family = familyOf(clusterIP);
    const balancers = balancerAddresses(service, family);
    const balancerIPs = balancers === NONE
      ? NONE
      : balancers.filter((address) => balancerRefusal(address, ownLinkLocal) === "");
    return {
      clusterIP,
      family,
      externalIPs: externalAddresses(service, balancerIPs, family),
      balancerIPs,
      sourceRanges: sourceRanges(service, family),
      affinitySeconds: affinitySeconds(service),
      byClient: choosesByClient(service),
      internalLocal: service.spec.internalTrafficPolicy === "Local",
      externalLocal: isExternalLocal(service),
    };
  });
}

/** One cluster IP a family, the first of each in spec.clusterIPs, or spec.clusterIP where that list is empty. */
export function clusterAddresses(service: Service): Address[] {
  const { clusterIP, clusterIPs } = service.spec;
  const listed = clusterIPs?.length ? clusterIPs : [clusterIP ?? ""];
  const addresses = listed.map(parseAddress).filter((address) => address !== undefined);
  if (addresses.length === 1) return addresses;
  return addresses.filter((address, i) =>
    addresses.findIndex((a) => familyOf(a) === familyOf(address)) === i
  );
}

/** Most Services have no address but their cluster IP. */
const NONE: readonly never[] = [];

function externalAddresses(
  service: Service,
  balancerIPs: readonly Address[],
  family: Family,
): readonly Address[] {
  if (!service.spec.externalIPs?.length) return balancerIPs;
  const listed = addressesOf(service.spec.externalIPs, family);
  return [...new Set([...listed.filter((address) => externalRefusal(address) === ""), ...balancerIPs])];
}

/** Why `address` cannot be an external IP; "" if it can. The API server rejects the same (ValidateNonSpecialIP, 1.37). */
function externalRefusal(address: Address): string {
  return isSpecial(address) ? SPECIAL : isLinkLocal(address) ? "a link-local" : "";
}

/** Why `address` cannot be an address of a load balancer; "" if it can. The link of an fe80 address is not known. */
function balancerRefusal(address: Address, ownLinkLocal: readonly Address[]): string {
  if (isSpecial(address)) return SPECIAL;
  if (!isLinkLocal(address)) return "";
  if (familyOf(address) === "ip6") return "a link-local";
  return ownLinkLocal.includes(address) ? "the node's own link-local" : "";
}

const SPECIAL = "a loopback, unspecified, multicast or broadcast";

/** Parts of `service` that are left out, and source ranges that do not restrict it, as text. */
export function leftOutOf(service: Service, ownLinkLocal: readonly Address[]): readonly string[] {
  const { spec, status } = service;
  const hasOthers = spec.externalIPs?.length || status?.loadBalancer?.ingress?.length;
  if (!hasOthers || !isProxied(service)) return NONE;
  const text = (noun: string, address: Address, why: string) =>
    why === "" ? [] : `${noun} ${address} is ${why} address: left out`;
  const { externalIPs, loadBalancerSourceRanges: ranges } = spec;
  return clusterAddresses(service).map(familyOf).flatMap((family) => {
    const balancers = balancerAddresses(service, family);
    const served = balancers.filter((address) => balancerRefusal(address, ownLinkLocal) === "");
    const open = served.length > 0 && ranges?.length && sourceRanges(service, family).length === 0;
    return [
      ...[...new Set(addressesOf(externalIPs ?? NONE, family))].flatMap((one) =>
        text("external IP", one, externalRefusal(one))
      ),
      ...balancers.flatMap((one) => text("load balancer address", one, balancerRefusal(one, ownLinkLocal))),
      ...(open
        ? [
          `none of its ${ranges!.length} loadBalancerSourceRanges is a readable CIDR of ${
            family === "ip" ? "IPv4" : "IPv6"
          }: ${served.join(", ")} is open to all sources`,
        ]
        : []),
    ];
  });
}

/** Addresses of the load balancer, without those whose traffic it delivers to the node itself (ipMode Proxy, KEP-1860). */
function balancerAddresses(service: Service, family: Family): readonly Address[] {
  const ingress = service.status?.loadBalancer?.ingress;
  if (!ingress?.length) return NONE;
  const vips = ingress.filter(({ ipMode }) => ipMode === undefined || ipMode === "VIP");
  return [...new Set(addressesOf(vips.flatMap(({ ip }) => ip ?? []), family))];
}

function addressesOf(texts: readonly string[], family: Family): Address[] {
  return texts.map(parseAddress).filter((address) => address !== undefined)
    .filter((address) => familyOf(address) === family);
}

function sourceRanges({ spec }: Service, family: Family): readonly Cidr[] {
  if (!spec.loadBalancerSourceRanges?.length) return NONE;
  const cidrs = spec.loadBalancerSourceRanges.map(parseCidr).filter((cidr) => cidr !== undefined);
  return disjoint(cidrs.filter((cidr) => cidr.family === family));
}

function affinitySeconds({ spec }: Service): number {
  if (spec.sessionAffinity !== "ClientIP") return 0;
  // The API server rejects a timeout of zero, but an older ledger may contain one.
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds || AFFINITY_SECONDS_DEFAULT;
}

function isExternalLocal({ spec }: Service): boolean {
  const exposed = spec.type === "LoadBalancer" || spec.type === "NodePort" ||
    (spec.externalIPs?.length ?? 0) > 0;
  return exposed && spec.externalTrafficPolicy === "Local";
}
