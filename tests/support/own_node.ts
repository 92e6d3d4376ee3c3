// The own node in tests: its Node object in a short notation, and the configuration that needs its pod CIDRs.

import type { Node } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";

/** Local traffic is known by the pod CIDRs of the own Node. */
export const NODE_CIDR: ProxyConfig = { ...DEFAULT_PROXY_CONFIG, detectLocal: { mode: "NodeCIDR" } };
/** The label that names a Node's zone. */
export const ZONE = "topology.kubernetes.io/zone";

export function config(nodeName = "node-a", proxy = NODE_CIDR): LedgerRecord {
  return { kind: "config", time: "", version: "0", nodeName, proxy };
}

/** `uid 192.0.2.10 zone-1 10.244.1.0/24`, each but the uid left out where it is "-". */
export function node(text: string, name = "node-a"): Node {
  const [uid, address, zone, podCIDR] = text.split(" ") as [string, string, string, string];
  return {
    kind: "Node",
    metadata: { name, uid, ...(zone === "-" ? {} : { labels: { [ZONE]: zone } }) },
    spec: podCIDR === "-" ? {} : { podCIDRs: [podCIDR] },
    status: address === "-" ? {} : { addresses: [{ type: "InternalIP", address }] },
  };
}
