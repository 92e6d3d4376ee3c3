// The part of kube-proxy's configuration that decides where packets go (KubeProxyConfiguration v1alpha1), with its
// defaults for nftables mode.

import type { Address, Family } from "../nft/data_type.ts";
import { type Cidr, contains, familyOf, parseAddress, parseCidr } from "./address.ts";

/** How traffic of this node's pods is recognized (detectLocalMode and detectLocal). */
export type DetectLocal =
  /** By its source: the first CIDR of each family. A family without a CIDR has no detector. */
  | { readonly mode: "ClusterCIDR"; readonly cidrs: readonly string[] }
  /** By its source: the pod CIDRs of the own Node object. */
  | { readonly mode: "NodeCIDR" }
  /** By the bridge that pods are attached to. */
  | { readonly mode: "BridgeInterface"; readonly name: string }
  /** By the beginning of the name of the pods' interfaces. */
  | { readonly mode: "InterfaceNamePrefix"; readonly prefix: string };

/** The settings that decide, with the cluster's objects, where packets go. */
export interface ProxyConfig {
  /** Bit of the packet mark that means "masquerade": 0 to 31. */
  readonly masqueradeBit: number;
  /** Masquerade all traffic to cluster IPs, also that of pods. */
  readonly masqueradeAll: boolean;
  /** The local-traffic detector. */
  readonly detectLocal: DetectLocal;
  /** Where NodePorts are served: CIDRs, `primary`, `localhost` and `all`; empty means `primary`. */
  readonly nodePortAddresses: readonly string[];
  /** The node's primary address of its family. It replaces the one of the Node object. */
  readonly bindAddress?: Address;
  /** The proxy serves only Services whose label has this name; absent: only those without the label. */
  readonly serviceProxyName?: string;
  /** Whether elements count the connections that they translate or refuse; absent: no. */
  readonly countConnections?: boolean;
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

/** Whether `text` may be an entry of nodePortAddresses. */
export function isNodePortAddress(text: string): boolean {
  return text === "primary" || Object.hasOwn(KEYWORDS, text) || parseCidr(text) !== undefined;
}

/** The scope of `family`. A family without an entry is served on all addresses, as in kube-proxy. */
export function nodePortScope({ nodePortAddresses }: ProxyConfig, family: Family): NodePortScope {
  const entries = nodePortAddresses.length === 0 ? ["primary"] : nodePortAddresses;
  const primary = entries.includes("primary");
  const cidrs = entries.flatMap((entry) => KEYWORDS[entry] ?? [entry]).map(parseCidr)
    .filter((cidr) => cidr !== undefined).filter((cidr) => cidr.family === family);
  if (cidrs.some(({ length }) => length === 0) || (!primary && cidrs.length === 0)) return { all: true };
  return { all: false, primary, cidrs };
}

/**
 * Whether NodePorts of `family` are served on loopback (KEP-6032): by `localhost`, or by a block of loopback addresses with 127.0.0.1
 * or ::1. A block that has more than loopback addresses does not count, as in kube-proxy.
 */
export function servesLocalhost({ nodePortAddresses }: ProxyConfig, family: Family): boolean {
  const { length, address } = LOOPBACK[family];
  return nodePortAddresses.flatMap((entry) => KEYWORDS[entry] ?? [entry]).map(parseCidr)
    .some((cidr) => cidr !== undefined && cidr.length >= length && contains(cidr, address));
}

/** The address of each family that listens for localhost, and the length of the family's block of loopback addresses. */
const LOOPBACK = {
  ip: { length: 8, address: parseAddress("127.0.0.1")! },
  ip6: { length: 128, address: parseAddress("::1")! },
} as const;

/** The node's primary address of each family: bindAddress, or the first one `listed` by the Node object. */
export function primaryAddresses({ bindAddress }: ProxyConfig, listed: readonly Address[]): Address[] {
  const all = bindAddress === undefined ? listed : [bindAddress, ...listed];
  return all.filter((address, i) => all.findIndex((one) => familyOf(one) === familyOf(address)) === i);
}

/** The block of this node's pods, for detectors that match the source; undefined for the others. */
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
