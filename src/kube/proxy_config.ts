// The part of kube-proxy's configuration that decides where packets go (KubeProxyConfiguration v1alpha1), with its
// defaults for nftables mode.

import type { Address, Family } from "../nft/data_type.ts";
import { type Cidr, familyOf, parseCidr } from "./address.ts";

/** How traffic of this node's pods is told from traffic from outside (detectLocalMode and detectLocal). */
export type DetectLocal =
  /** By source; the first CIDR of a family counts. With none of a family there is no detector for it. */
  | { readonly mode: "ClusterCIDR"; readonly cidrs: readonly string[] }
  /** By source, with the CIDRs of the own Node object. */
  | { readonly mode: "NodeCIDR" }
  /** By the bridge that pods are attached to. */
  | { readonly mode: "BridgeInterface"; readonly name: string }
  /** By the beginning of the name of the pods' interfaces. */
  | { readonly mode: "InterfaceNamePrefix"; readonly prefix: string };

/** What decides where packets go, beside the cluster's objects. */
export interface ProxyConfig {
  /** Bit of the packet mark that means "masquerade": 0 to 31. */
  readonly masqueradeBit: number;
  /** Masquerade all traffic to cluster IPs, whoever sends it. */
  readonly masqueradeAll: boolean;
  /** The local-traffic detector. */
  readonly detectLocal: DetectLocal;
  /** Where NodePorts are served: CIDRs, `primary`, `localhost` and `all`; empty means `primary`. */
  readonly nodePortAddresses: readonly string[];
  /** The node's primary address of its family, in place of what the Node object says. */
  readonly bindAddress?: Address;
}

/** kube-proxy's defaults. */
export const DEFAULT_PROXY_CONFIG: ProxyConfig = {
  masqueradeBit: 14,
  masqueradeAll: false,
  detectLocal: { mode: "ClusterCIDR", cidrs: [] },
  nodePortAddresses: [],
};

/** Words for groups of addresses in nodePortAddresses (kube-proxy 1.37). */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  localhost: ["127.0.0.0/8", "::1/128"],
  all: ["0.0.0.0/0", "::/0"],
};

/** Where NodePorts of one family are served. */
export type NodePortScope =
  /** On every address of the node but loopback. */
  | { readonly all: true }
  /** On the primary address, and on addresses of the node inside `cidrs`. */
  | { readonly all: false; readonly primary: boolean; readonly cidrs: readonly Cidr[] };

/** Whether `text` is something nodePortAddresses may hold. */
export function isNodePortAddress(text: string): boolean {
  return text === "primary" || Object.hasOwn(KEYWORDS, text) || parseCidr(text) !== null;
}

/** The scope of `family`; a family that no entry speaks of is served on all addresses, as kube-proxy does. */
export function nodePortScope({ nodePortAddresses }: ProxyConfig, family: Family): NodePortScope {
  const entries = nodePortAddresses.length === 0 ? ["primary"] : nodePortAddresses;
  const primary = entries.includes("primary");
  const cidrs = entries.flatMap((entry) => KEYWORDS[entry] ?? [entry]).map(parseCidr)
    .filter((cidr) => cidr !== null).filter((cidr) => cidr.family === family);
  if (cidrs.some(({ length }) => length === 0) || (!primary && cidrs.length === 0)) return { all: true };
  return { all: false, primary, cidrs };
}

/** The node's primary address of each family: `listed` by the Node object, but for bindAddress. */
export function primaryAddresses({ bindAddress }: ProxyConfig, listed: readonly Address[]): Address[] {
  const all = bindAddress === undefined ? listed : [bindAddress, ...listed];
  return all.filter((address, i) => all.findIndex((one) => familyOf(one) === familyOf(address)) === i);
}

/** The block whose addresses count as the pods of this node, for the detectors that go by source. */
export function localCidr(
  { detectLocal }: ProxyConfig,
  podCIDRs: readonly string[],
  family: Family,
): Cidr | undefined {
  const listed = detectLocal.mode === "ClusterCIDR"
    ? detectLocal.cidrs
    : detectLocal.mode === "NodeCIDR"
    ? podCIDRs
    : [];
  return listed.map(parseCidr).find((cidr) => cidr?.family === family) ?? undefined;
}
