// Whether the address of the API server is one that only a service proxy's rules make reachable. A node that boots without
// rules can never reach such an address: it would need the API server to make the rules. Pure.

import { contains, parseAddress, parseCidr } from "../kube/address.ts";
import type { KubeObject } from "../kube/objects.ts";

type CanonicalAddress = NonNullable<ReturnType<typeof parseAddress>>;

/** Names that only cluster DNS resolves. Cluster DNS is a Service itself. */
const SERVICE_NAME = /^kubernetes(\.default)?$|\.svc(\.|$)/;

/**
 * Why the URL `server` is reachable only through the rules of a proxy; undefined where it is reachable without, as far as the
 * `known` objects show. `inPod` says that it comes from the environment of a pod: that is always the address of a Service.
 */
export function behindServiceRules(
  server: string,
  known: Iterable<KubeObject>,
  inPod: boolean,
): string | undefined {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, "");
  if (SERVICE_NAME.test(host)) return `${host} is the name of a Service`;
  const address = parseAddress(host);
  if (address === undefined) return undefined;
  for (const object of known) {
    const found = coveredBy(object, address);
    if (found !== undefined) return `${host} is ${found}`;
  }
  return inPod ? `${host} is the cluster IP that pods are given` : undefined;
}

function coveredBy(object: KubeObject, address: CanonicalAddress): string | undefined {
  if (object.kind === "ServiceCIDR") {
    const cidr = object.spec.cidrs?.find((cidr) => {
      const parsed = parseCidr(cidr);
      return parsed !== undefined && contains(parsed, address);
    });
    return cidr === undefined ? undefined : `in ${cidr}, the addresses of Services`;
  }
  if (object.kind !== "Service") return undefined;
  const { clusterIPs, clusterIP } = object.spec;
  const owns = isAddress(clusterIP, address) ||
    clusterIPs?.some((ip) => ip !== clusterIP && isAddress(ip, address)) === true;
  return owns ? `the cluster IP of ${object.metadata.namespace}/${object.metadata.name}` : undefined;
}

/** An address of IPv4 without a leading zero has no other text. */
const CANONICAL_IPV4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;

/** A start asks for every cluster IP. */
function isAddress(text: string | undefined, address: CanonicalAddress): boolean {
  if (text === undefined || text === address || CANONICAL_IPV4.test(text)) return text === address;
  return parseAddress(text) === address;
}
