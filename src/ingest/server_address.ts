// Whether the API server has an address that only a service proxy's rules make reachable: a node that comes up with such
// an address, and without rules, waits for ever for what it would make them from. Pure.

import { contains, parseAddress, parseCidr } from "../kube/address.ts";
import type { KubeObject } from "../kube/objects.ts";

type CanonicalAddress = NonNullable<ReturnType<typeof parseAddress>>;

/** Names that cluster DNS answers, whose server is a Service as well. */
const SERVICE_NAME = /^kubernetes(\.default)?$|\.svc(\.|$)/;

/**
 * What makes `server` (a URL) reachable only through the rules of a proxy, as far as `known` objects tell; undefined where
 * nothing does. `inPod`: the address is the one that pods are given, which is always that of a Service.
 */
export function behindServiceRules(
  server: string,
  known: Iterable<KubeObject>,
  inPod: boolean,
): string | undefined {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, "");
  if (SERVICE_NAME.test(host)) return `${host} is the name of a Service`;
  const address = parseAddress(host);
  if (address === null) return undefined;
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
      return parsed !== null && contains(parsed, address);
    });
    return cidr === undefined ? undefined : `in ${cidr}, the addresses of Services`;
  }
  if (object.kind !== "Service") return undefined;
  const { clusterIPs = [], clusterIP } = object.spec;
  const owns = [...clusterIPs, clusterIP ?? ""].some((ip) => parseAddress(ip) === address);
  return owns ? `the cluster IP of ${object.metadata.namespace}/${object.metadata.name}` : undefined;
}
