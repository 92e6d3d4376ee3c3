// The static skeleton: chains, rules, sets and maps that are the same whatever the cluster. Services and endpoints are
// elements of its sets and maps. Names that mean the same as in kube-proxy are kube-proxy's (nftables mode, 1.37).

import { addressType, type DataType, FAMILIES, type Family } from "../nft/data_type.ts";
import { type Chain, type Container, type SetPath, setPath, type Table } from "../nft/ruleset.ts";
import { type Rule, rule, type Selector, type Statement } from "../nft/statement.ts";
import { pickChains } from "./pick_chains.ts";

/** Name of our table in both families. */
export const TABLE = "ledgerproxy";

/** Set that holds the committed position as the comment of its one element; see plan/position.ts. */
export const POSITION_SET = "ledger-position";

/** What shapes the skeleton; all of it configuration, none of it cluster state. */
export interface SkeletonConfig {
  /** Bit of the packet mark that means "masquerade": 0 to 31. */
  readonly masqueradeBit: number;
  /** Pod network by family: the ClusterCIDR local-traffic detector. Absent: no detector, as kube-proxy's NoOp. */
  readonly podCidr: { readonly [family in Family]?: string };
}

/** kube-proxy's defaults. */
export const DEFAULT_SKELETON: SkeletonConfig = { masqueradeBit: 14, podCidr: {} };

/** Our tables in both families. */
export function skeleton(config: SkeletonConfig): Table[] {
  return FAMILIES.map((family) => ({
    family,
    name: TABLE,
    comment: "rules for ledgerproxy",
    sets: Object.values(containers(family)),
    chains: [
      ...baseChains(),
      ...fixedChains(family, config),
      ...pickChains(family, 2 ** config.masqueradeBit),
    ],
  }));
}

/** Sets and maps of `family` by name. */
export function containers(family: Family): Readonly<Record<string, Container>> {
  const address = addressType(family);
  const frontend: DataType[] = [address, "inet_proto", "inet_service"];
  const nodePort: DataType[] = ["inet_proto", "inet_service"];
  const all: Container[] = [
    { kind: "set", name: "cluster-ips", key: [address], comment: "Active ClusterIPs" },
    { kind: "set", name: "nodeport-ips", key: [address], comment: "IPs that accept NodePort traffic" },
    {
      kind: "set",
      name: "hairpin-connections",
      key: [address, ...frontend],
      comment: "service hairpin connections",
    },
    verdictMap("service-ips", frontend, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
    verdictMap("service-nodeports", nodePort, "NodePort traffic"),
    verdictMap("no-endpoint-services", frontend, "services without endpoints: reject or drop"),
    verdictMap("no-endpoint-nodeports", nodePort, "NodePorts without endpoints: reject or drop"),
    verdictMap("firewall-ips", frontend, "destinations subject to LoadBalancerSourceRanges"),
    verdictMap("local-policy-ips", frontend, "eTP Local: all endpoints, for pods and the node"),
    verdictMap("local-only-ips", frontend, "eTP Local: local endpoints, for everyone else"),
    verdictMap("local-policy-nodeports", nodePort, "eTP Local: all endpoints, for pods and the node"),
    verdictMap("local-only-nodeports", nodePort, "eTP Local: local endpoints, for everyone else"),
    slotMap("endpoints", frontend, address, "slots of all endpoints"),
    slotMap("local-endpoints", frontend, address, "slots of local endpoints"),
    slotMap("nodeport-endpoints", nodePort, address, "slots of all endpoints of NodePorts"),
    slotMap("local-nodeport-endpoints", nodePort, address, "slots of local endpoints of NodePorts"),
    {
      kind: "set",
      name: POSITION_SET,
      key: ["mark"],
      comment: "the ledger position these rules were made from",
    },
  ];
  return Object.fromEntries(all.map((container) => [container.name, container]));
}

const SERVICE_SETS = [
  "cluster-ips",
  "nodeport-ips",
  "hairpin-connections",
  "service-ips",
  "service-nodeports",
  "no-endpoint-services",
  "no-endpoint-nodeports",
  "local-policy-ips",
  "local-only-ips",
  "local-policy-nodeports",
  "local-only-nodeports",
  "endpoints",
  "local-endpoints",
  "nodeport-endpoints",
  "local-nodeport-endpoints",
] as const;

/** Paths of sets that Services have elements in: made once, as each change looks one up. */
export const PATHS: Readonly<Record<Family, Readonly<Record<ServiceSet, SetPath>>>> = {
  ip: servicePaths("ip"),
  ip6: servicePaths("ip6"),
};

/** Sets and maps that are filled by Services. */
export type ServiceSet = (typeof SERVICE_SETS)[number];

function servicePaths(family: Family): Record<ServiceSet, SetPath> {
  const paths = SERVICE_SETS.map((name) => [name, setPath(family, TABLE, name)]);
  return Object.fromEntries(paths) as Record<ServiceSet, SetPath>;
}

/** Every set and map of the skeleton by path. */
export const CONTAINERS: ReadonlyMap<SetPath, Container> = new Map(
  FAMILIES.flatMap((family) =>
    Object.values(containers(family)).map((set) => [setPath(family, TABLE, set.name), set] as const)
  ),
);

function verdictMap(name: string, key: readonly DataType[], comment: string): Container {
  return { kind: "map", name, key, value: "verdict", comment };
}

function slotMap(name: string, key: readonly DataType[], address: DataType, comment: string): Container {
  return { kind: "map", name, key: [...key, "slot"], value: [address, "inet_service"], comment };
}

/** Base chains and their priorities: kube-proxy's, so that other programs' relative priorities keep their meaning. */
function baseChains(): Chain[] {
  const base = (
    name: string,
    type: "filter" | "nat",
    hook: NonNullable<Chain["hook"]>["hook"],
    priority: number,
    ...jumps: string[]
  ): Chain => ({
    name,
    hook: { type, hook, priority },
    rules: jumps.map((chain) => rule([...(type === "filter" ? [NEW] : []), jump(chain)])),
  });
  return [
    base("filter-prerouting-pre-dnat", "filter", "prerouting", -110, "firewall-check"),
    base("filter-output-pre-dnat", "filter", "output", -110, "firewall-check"),
    base("filter-input", "filter", "input", 0, "nodeport-endpoints-check", "service-endpoints-check"),
    base("filter-forward", "filter", "forward", 0, "service-endpoints-check", "cluster-ips-check"),
    base("filter-output", "filter", "output", 0, "service-endpoints-check", "cluster-ips-check"),
    base("nat-prerouting", "nat", "prerouting", -100, "services"),
    base("nat-output", "nat", "output", -100, "services"),
    base("nat-postrouting", "nat", "postrouting", 100, "masquerading"),
  ];
}

function fixedChains(family: Family, config: SkeletonConfig): Chain[] {
  const destination: Selector = `${family} daddr`;
  const frontend: Selector[] = [destination, "meta l4proto", "th dport"];
  const nodePort: Selector[] = ["meta l4proto", "th dport"];
  const toNodePort: Statement = { kind: "lookup", key: [destination], set: "nodeport-ips" };
  const toClusterIP: Statement = { kind: "lookup", key: [destination], set: "cluster-ips" };
  const mark = 2 ** config.masqueradeBit;
  return [
    chain("services", [
      ...notLocal(family, config).map((match) =>
        rule([toClusterIP, match, markFor(mark)], "masquerade clusterIP traffic from outside cluster")
      ),
      rule([{ kind: "vmap", key: frontend, map: "service-ips" }]),
      rule([toNodePort, { kind: "vmap", key: nodePort, map: "service-nodeports" }]),
    ]),
    chain("masquerading", [
      rule([{ kind: "mark-test", bits: mark }, { kind: "mark-set", operator: "^", bits: mark }, {
        kind: "masquerade",
      }]),
      rule([
        { kind: "ct-status-dnat" },
        { kind: "lookup", key: [`${family} saddr`, ...frontend], set: "hairpin-connections" },
        { kind: "masquerade" },
      ]),
    ]),
    chain("firewall-check", [rule([{ kind: "vmap", key: frontend, map: "firewall-ips" }])]),
    chain("service-endpoints-check", [rule([{ kind: "vmap", key: frontend, map: "no-endpoint-services" }])]),
    chain("nodeport-endpoints-check", [
      rule([toNodePort, { kind: "vmap", key: nodePort, map: "no-endpoint-nodeports" }]),
    ]),
    chain("cluster-ips-check", [
      rule([toClusterIP, goto("reject-chain")], "Reject traffic to invalid ports of ClusterIPs"),
    ]),
    chain("reject-chain", [
      rule([{ kind: "match", selector: "meta l4proto", operator: "==", value: "tcp" }, {
        kind: "reject",
        with: "tcp-reset",
      }]),
      rule([{ kind: "reject", with: "port-unreachable" }]),
    ]),
    chain("external-local", localPolicy(family, config, frontend, "ips")),
    chain("nodeport-local", localPolicy(family, config, nodePort, "nodeports")),
  ];
}

/**
 * externalTrafficPolicy Local: pods and the node are short-circuited to all endpoints, everyone else meets the local
 * ones. A frontend in neither map falls through without DNAT and is dropped later, as in kube-proxy.
 */
function localPolicy(
  family: Family,
  config: SkeletonConfig,
  key: Selector[],
  kind: "ips" | "nodeports",
): Rule[] {
  const all: Statement = { kind: "vmap", key, map: `local-policy-${kind}` };
  const fromNode: Statement = { kind: "match", selector: "fib saddr type", operator: "==", value: "local" };
  return [
    ...isLocal(family, config).map((match) => rule([match, all], "short-circuit pod traffic")),
    rule([fromNode, markFor(2 ** config.masqueradeBit)], "masquerade local traffic"),
    rule([fromNode, all], "short-circuit local traffic"),
    rule([{ kind: "vmap", key, map: `local-only-${kind}` }]),
  ];
}

const NEW: Statement = { kind: "ct-state-new" };

function chain(name: string, rules: Rule[]): Chain {
  return { name, rules };
}

function jump(name: string): Statement {
  return { kind: "verdict", verdict: { kind: "jump", chain: name } };
}

function goto(name: string): Statement {
  return { kind: "verdict", verdict: { kind: "goto", chain: name } };
}

function markFor(bits: number): Statement {
  return { kind: "mark-set", operator: "|", bits };
}

function isLocal(family: Family, config: SkeletonConfig): Statement[] {
  return detector(family, config, "==");
}

function notLocal(family: Family, config: SkeletonConfig): Statement[] {
  return detector(family, config, "!=");
}

/** The local-traffic detector as a match on the source, or nothing where there is none. */
function detector(family: Family, { podCidr }: SkeletonConfig, operator: "==" | "!="): Statement[] {
  const value = podCidr[family];
  return value === undefined ? [] : [{ kind: "match", selector: `${family} saddr`, operator, value }];
}
