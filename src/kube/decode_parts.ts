// The values in a decoded object: a port, address or range that is not valid is left out with a warning.

import { LABEL_BYTES_MAX } from "../limits/input.ts";
import { AFFINITY_SECONDS_MAX } from "../limits/rules.ts";
import { familyOf, parseAddress, parseCidr } from "./address.ts";
import { LABEL } from "./decode_schemas.ts";
import { fieldsOf } from "./json_value.ts";
import type { EndpointSlice, KubeObject, Node, Service, ServiceCIDR } from "./objects.ts";
import { quoted } from "./quoted.ts";

const PROTOCOLS = ["TCP", "UDP", "SCTP"];
const PORT_MAX = 65535;
/** Types of a Node's addresses that are IP addresses. The others are names. */
const NODE_IP_TYPES = ["InternalIP", "ExternalIP"];

/** Notes a part that is left out. Returns false, so that a filter can end with the call. */
export type Warn = (text: string) => false;

/** `object` without the values that are not valid. `raw` is the value that it was decoded from. */
export function cleanObject(object: KubeObject, raw: unknown, warn: Warn): KubeObject {
  switch (object.kind) {
    case "Service":
      warnOpen(object, raw, warn);
      return cleanService(object, warn);
    case "EndpointSlice":
      return cleanSlice(object, warn);
    case "Node":
      return cleanNode(object, warn);
    case "ServiceCIDR":
      return cleanServiceCidr(object, warn);
  }
}

/**
 * If no source range is valid, every source may connect, as in kube-proxy. This warning comes first, because an object may
 * have more warnings than are kept.
 */
function warnOpen({ spec }: Service, raw: unknown, warn: Warn): void {
  const { loadBalancerSourceRanges: listed } = fieldsOf(fieldsOf(raw).spec);
  const wanted = Array.isArray(listed) ? listed.length : 0;
  if (wanted > 0 && !spec.loadBalancerSourceRanges?.some((range) => parseCidr(range) !== undefined)) {
    warn("no entry of spec.loadBalancerSourceRanges can be read: the Service is open to every source");
  }
}

/**
 * Why the identity of `object` cannot be used; "" if it can. A Service without its cluster IP would lose all its rules, so
 * the object is wrong as a whole, unless the list of its cluster IPs has an address.
 */
export function identityProblem(object: KubeObject): string {
  if (object.kind !== "Service") return "";
  const { clusterIP = "", clusterIPs = [] } = object.spec;
  const isUsable = isAddressOrNone(clusterIP) || clusterIPs.some((one) => parseAddress(one) !== undefined);
  return isUsable ? "" : `spec.clusterIP: ${quoted(clusterIP)} is not an IP address`;
}

/** Whether `text` can be a cluster IP: a headless Service has "None", and an ExternalName none. */
function isAddressOrNone(text: string): boolean {
  return text === "" || text === "None" || parseAddress(text) !== undefined;
}

function cleanService(service: Service, warn: Warn): Service {
  const { spec } = service;
  const ports = servicePortsOf(spec.ports, warn);
  const addresses = (field: string, list: readonly string[] | undefined) =>
    list &&
    fitting(
      list,
      (address) =>
        isAddressOrNone(address) || warn(`spec.${field}: ${quoted(address)} is not an IP address; left out`),
    );
  const clusterIPs = addresses("clusterIPs", spec.clusterIPs);
  const externalIPs = addresses("externalIPs", spec.externalIPs);
  const { loadBalancerSourceRanges: listed } = spec;
  const ranges = listed && fitting(listed, (range) =>
    parseCidr(range) !== undefined ||
    warn(`spec.loadBalancerSourceRanges: ${quoted(range)} is not a CIDR; left out`));
  const { clusterIP, sessionAffinityConfig, healthCheckNodePort } = spec;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const pinned = seconds === undefined || (Number.isInteger(seconds) && seconds > 0 &&
    seconds <= AFFINITY_SECONDS_MAX) ||
    warn(`timeoutSeconds ${seconds} of ClientIP affinity is not in 1 to ${AFFINITY_SECONDS_MAX}; left out`);
  const checked = !healthCheckNodePort || isPort(healthCheckNodePort) ||
    warn(`healthCheckNodePort ${healthCheckNodePort} is not in 1 to ${PORT_MAX}; left out`);
  const [listedIP] = addresses("clusterIP", clusterIP === undefined ? [] : [clusterIP])!;
  const isWrong = clusterIP !== undefined && listedIP === undefined;
  const ownIP = isWrong ? clusterIPs?.find((address) => parseAddress(address) !== undefined) : listedIP;
  const status = statusOf(service.status, warn);
  const isWhole = status === service.status && ports === spec.ports && clusterIPs === spec.clusterIPs &&
    externalIPs === spec.externalIPs &&
    ranges === listed && ownIP === clusterIP && pinned && checked && healthCheckNodePort !== 0;
  if (isWhole) return service;
  return {
    ...service,
    ...(status === undefined ? {} : { status }),
    spec: present({
      ...spec,
      clusterIP: ownIP,
      clusterIPs,
      externalIPs,
      healthCheckNodePort: checked && healthCheckNodePort ? healthCheckNodePort : undefined,
      loadBalancerSourceRanges: ranges,
      ports,
      sessionAffinityConfig: pinned ? sessionAffinityConfig : undefined,
    }) as Service["spec"],
  };
}

/** The status without entries whose address is none. An entry may have a name in its place. */
function statusOf(status: Service["status"], warn: Warn): Service["status"] {
  const ingress = status?.loadBalancer?.ingress;
  const fits = ingress &&
    fitting(ingress, ({ ip }) =>
      ip === undefined || ip === "" || parseAddress(ip) !== undefined ||
      warn(`status.loadBalancer.ingress: ${quoted(ip)} is not an IP address; left out`));
  return fits === ingress ? status : { loadBalancer: { ingress: fits! } };
}

type Ports = Service["spec"]["ports"];

/** The valid ports, each number and protocol once. An empty protocol is TCP, the API's default. */
function servicePortsOf(ports: Ports, warn: Warn): Ports {
  const seen = new Set<string>();
  return ports && fitting(withProtocols(ports), (port) => {
    const protocol = port.protocol ?? "TCP";
    const leaveOut = (why: string) =>
      warn(`port ${quoted(port.name ?? "")} ${port.port}/${protocol.slice(0, LABEL_BYTES_MAX)}${why}`);
    if (port.name && (!LABEL.test(port.name) || port.name.length > LABEL_BYTES_MAX)) {
      return warn(`${quoted(port.name)} is not the name of a port (RFC 1123 label); left out`);
    }
    if (!isPort(port.port)) return leaveOut(`: a port is 1 to ${PORT_MAX}; left out`);
    if (!PROTOCOLS.includes(protocol)) {
      return leaveOut(`: a protocol is one of ${PROTOCOLS.join(", ")}; left out`);
    }
    if (port.nodePort !== undefined && port.nodePort !== 0 && !isPort(port.nodePort)) {
      return leaveOut(`: nodePort ${port.nodePort} is not in 1 to ${PORT_MAX}; left out`);
    }
    if (ports?.length === 1) return true;
    if (seen.has(`${port.port}/${protocol}`)) return leaveOut(" is there twice; the first is used");
    return seen.add(`${port.port}/${protocol}`);
  });
}

/** The elements of `list` for which `fits`: the list itself where all do. */
function fitting<T>(list: readonly T[], fits: (element: T) => unknown): readonly T[] {
  const kept = list.filter(fits);
  return kept.length === list.length ? list : kept;
}

/** `ports` without empty protocols: the list itself where there are none. */
function withProtocols<T extends { readonly protocol?: string }>(ports: readonly T[]): readonly T[] {
  return ports.some(({ protocol }) => protocol === "") ? ports.map(withProtocol) : ports;
}

function withProtocol<T extends { readonly protocol?: string }>(port: T): T {
  if (port.protocol !== "") return port;
  const { protocol: _, ...rest } = port;
  return rest as T;
}

/** `fields` without those that are undefined, in the same order. */
function present(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) if (field !== undefined) kept[key] = field;
  return kept;
}

function cleanSlice(slice: EndpointSlice, warn: Warn): EndpointSlice {
  const ports = fitting(withProtocols(slice.ports), (port) => {
    const label = () => `port ${quoted(port.name ?? "")}`;
    if (port.port !== undefined && !isPort(port.port)) {
      return warn(`${label()}: ${port.port} is not in 1 to ${PORT_MAX}; left out`);
    }
    const protocol = port.protocol ?? "TCP";
    return PROTOCOLS.includes(protocol) ||
      warn(`${label()}: protocol ${quoted(protocol)} is not one of ${PROTOCOLS.join(", ")}; left out`);
  });
  const { addressType } = slice;
  const withPorts = ports === slice.ports ? slice : { ...slice, ports };
  if (addressType === "FQDN") return withPorts;
  if (addressType !== "IPv4" && addressType !== "IPv6") {
    warn(`addressType ${quoted(addressType)} is not one of IPv4, IPv6, FQDN; none of its endpoints is used`);
    return withPorts;
  }
  const endpoints = usableEndpoints(slice.endpoints, addressType, warn);
  return endpoints === slice.endpoints ? withPorts : { ...withPorts, endpoints };
}

type Endpoints = EndpointSlice["endpoints"];

/** The endpoints with a usable address: the list itself where all are usable as they are. */
function usableEndpoints(endpoints: Endpoints, addressType: "IPv4" | "IPv6", warn: Warn): Endpoints {
  const kept = endpoints.flatMap((endpoint) => {
    if (endpoint.addresses.length === 0) return warn("an endpoint without an address is left out") || [];
    const addresses = usable(endpoint.addresses, addressType, warn);
    if (addresses.length === 0) return [];
    return addresses === endpoint.addresses ? endpoint : { ...endpoint, addresses };
  });
  const isSame = kept.length === endpoints.length && kept.every((endpoint, i) => endpoint === endpoints[i]);
  return isSame ? endpoints : kept;
}

/** The addresses of an endpoint from the first valid one on: the API has them all lead to the same endpoint. */
function usable(
  addresses: readonly string[],
  addressType: "IPv4" | "IPv6",
  warn: Warn,
): readonly string[] {
  const first = addresses.findIndex((address) => {
    const parsed = parseAddress(address);
    if (parsed === undefined) return warn(`endpoint ${quoted(address)} is not an IP address; left out`);
    return (familyOf(parsed) === "ip6") === (addressType === "IPv6") ||
      warn(`endpoint ${address} is not ${addressType}; left out`);
  });
  return first === 0 ? addresses : first < 0 ? [] : addresses.slice(first);
}

function cleanNode(node: Node, warn: Warn): Node {
  const { podCIDRs } = node.spec;
  const { addresses } = node.status;
  const blocks = podCIDRs?.filter((cidr) =>
    parseCidr(cidr) !== undefined || warn(`spec.podCIDRs: ${quoted(cidr)} is not a CIDR; left out`)
  );
  const listed = addresses?.filter(({ address, type }) =>
    !NODE_IP_TYPES.includes(type) || parseAddress(address) !== undefined ||
    warn(`status.addresses: ${type} ${quoted(address)} is not an IP address; left out`)
  );
  return {
    ...node,
    spec: blocks === undefined ? node.spec : { ...node.spec, podCIDRs: blocks },
    status: listed === undefined ? node.status : { ...node.status, addresses: listed },
  };
}

function cleanServiceCidr(object: ServiceCIDR, warn: Warn): ServiceCIDR {
  const cidrs = object.spec.cidrs?.filter((cidr) =>
    parseCidr(cidr) !== undefined || warn(`spec.cidrs: ${quoted(cidr)} is not a CIDR; left out`)
  );
  return cidrs === undefined ? object : { ...object, spec: { cidrs } };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}
