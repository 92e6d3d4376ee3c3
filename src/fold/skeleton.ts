// The static skeleton: the chains, rules, sets and maps that do not depend on the cluster. Services and endpoints are elements
// of its sets and maps. A name that means the same as in kube-proxy is kube-proxy's (nftables mode, 1.37).

import { unreachable } from "../invariant.ts";
import { cidrText } from "../kube/address.ts";
import { sameValue } from "../kube/equality.ts";
import { localCidr, type ProxyConfig } from "../kube/proxy_config.ts";
import { addressType, type DataType, FAMILIES, type Family } from "../nft/data_type.ts";
import { type Chain, type Container, type SetPath, setPath, type Table } from "../nft/ruleset.ts";
import { type ObjectNoun, objectPath } from "../nft/objects.ts";
import { goto, jump, type Rule, rule, type Selector, type Statement } from "../nft/statement.ts";
import { affinityChains, affinityContainers } from "./affinity_chains.ts";
import { type Detector, frontendChains, nodePortRules, serviceRules } from "./frontend_chains.ts";
import { FROM_NODE, FROM_OUTSIDE, outsideChains } from "./outside_chains.ts";
import { ENDPOINT_MAPS, frontendKey, LAST_LOOK, NODE_PORT, pickChains } from "./pick_chains.ts";

/**
 * The process that a ledger names where `ledgerproxy cleanup` removed the tables: no process of Linux has a name so long (TASK_COMM_LEN
 * is 16).
 */
export const CLEANUP = "ledgerproxy cleanup";
/** Name of our table in both families. */
export const TABLE = "ledgerproxy";

/**
 * The name of our table in the kernel. That of a proxy with a name is `ledgerproxy/NAME`; no other table of this program has a
 * slash. Only the kernel's side knows it: ledger and rules have {@link TABLE}, whatever the proxy is called.
 */
export function kernelTable(serviceProxyName: string | undefined): string {
  return serviceProxyName === undefined ? TABLE : `${TABLE}/${serviceProxyName}`;
}

/** Set that holds the committed position as the comment of its one element; see plan/position.ts. */
export const POSITION_SET = "ledger-position";

/** Maps of frontends with one endpoint. */
const SINGLE_MAPS = ["single-endpoints", "single-external-endpoints", "single-nodeport-endpoints"] as const;

/** Maps of frontends without endpoints. */
export const REFUSING_MAPS: ReadonlySet<string> = new Set(["no-endpoint-services", "no-endpoint-nodeports"]);

/** What {@link skeleton} made last: a start asks for the same tables several times, and making them takes milliseconds then. */
let made:
  | { readonly of: readonly [ProxyConfig, readonly string[]]; readonly tables: readonly Table[] }
  | undefined;

/** Our tables in both families, for `config` and the own node's pod CIDRs. */
export function skeleton(config: ProxyConfig, podCIDRs: readonly string[] = []): readonly Table[] {
  const of = [config, podCIDRs] as const;
  if (!sameValue(made?.of, of)) made = { of, tables: tablesOf(config, podCIDRs) };
  return made!.tables;
}

function tablesOf(config: ProxyConfig, podCIDRs: readonly string[]): Table[] {
  return FAMILIES.map((family) => ({
    family,
    name: TABLE,
    comment: "rules for ledgerproxy",
    sets: Object.values(containers(family)).map((set) => config.countConnections ? counted(set) : set),
    chains: [
      ...baseChains(family, config, detector(family, config, podCIDRs)),
      ...fixedChains(family, config, detector(family, config, podCIDRs)),
      ...pickChains(family),
      ...affinityChains(family),
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
    singleMap("single-endpoints", frontend, address, "ClusterIPs with one endpoint"),
    { kind: "set", name: "single-external-ips", key: frontend, comment: "other addresses with one endpoint" },
    singleMap("single-external-endpoints", frontend, address, "their endpoints"),
    singleMap("single-nodeport-endpoints", nodePort, address, "NodePorts with one endpoint"),
    leadMap("service-ips", frontend, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
    leadMap("service-nodeports", nodePort, "NodePort traffic"),
    verdictMap("no-endpoint-services", frontend, "services without endpoints: reject or drop"),
    verdictMap("no-endpoint-nodeports", nodePort, "NodePorts without endpoints: reject or drop"),
    verdictMap("firewall-ips", frontend, "destinations subject to LoadBalancerSourceRanges"),
    {
      kind: "set",
      name: "firewall-sources",
      key: [...frontend, address, "mark"],
      comment: "prefixes that LoadBalancerSourceRanges let through, and their lengths",
    },
    {
      kind: "set",
      name: "service-cidrs",
      key: [address],
      flag: "interval",
      comment: "where ClusterIPs are allocated from",
    },
    leadMap("local-policy-ips", frontend, "eTP Local: all endpoints, for pods and the node"),
    leadMap("local-only-ips", frontend, "eTP Local: local endpoints, for everyone else"),
    leadMap("local-policy-nodeports", nodePort, "eTP Local: all endpoints, for pods and the node"),
    leadMap("local-only-nodeports", nodePort, "eTP Local: local endpoints, for everyone else"),
    verdictMap("by-client", ["classid"], "leads to endpoints that are chosen by the client"),
    ...affinityContainers(family),
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

/**
 * The maps whose elements end the way of a first packet: they translate it, or refuse it. So each connection is counted once, and
 * what a frontend got is the sum of what its endpoints got. Why no counters on leads too? They would count the same again.
 */
const COUNTED_MAPS: ReadonlySet<string> = new Set([
  ...SINGLE_MAPS,
  ...REFUSING_MAPS,
  ...ENDPOINT_MAPS.map(({ map }) => map),
  "affinity-endpoints",
  "affinity-nodeport-endpoints",
]);

/** `set` as it is where connections are counted. */
function counted(set: Container): Container {
  return set.kind === "map" && COUNTED_MAPS.has(set.name) ? { ...set, counter: true } : set;
}

const SERVICE_SETS = [
  "cluster-ips",
  "nodeport-ips",
  "hairpin-connections",
  "single-endpoints",
  "single-external-ips",
  "single-external-endpoints",
  "single-nodeport-endpoints",
  "service-ips",
  "service-nodeports",
  "no-endpoint-services",
  "no-endpoint-nodeports",
  "firewall-ips",
  "firewall-sources",
  "service-cidrs",
  "local-policy-ips",
  "local-only-ips",
  "local-policy-nodeports",
  "local-only-nodeports",
  "by-client",
  "affinity-cluster-ips",
  "affinity-nodeport-ips",
  "affinity-nodeport-ports",
  "affinity-port-nodeports",
  "affinity-leads",
  "affinity-classes",
  "local-affinity-classes",
  "affinity-slots",
  "local-affinity-slots",
  "affinity-numbers",
  "local-affinity-numbers",
  "affinity-endpoints",
  "affinity-nodeport-endpoints",
  "endpoints",
  "local-endpoints",
  "nodeport-endpoints",
  "local-nodeport-endpoints",
] as const;

/** Paths of the sets that Services have elements in. Made once, because each change looks one up. */
export const PATHS: Readonly<Record<Family, Readonly<Record<ServiceSet, SetPath>>>> = {
  ip: servicePaths("ip"),
  ip6: servicePaths("ip6"),
};

/** A set or map that Services have elements in. */
export type ServiceSet = (typeof SERVICE_SETS)[number];

function servicePaths(family: Family): Record<ServiceSet, SetPath> {
  const paths = SERVICE_SETS.map((name) => [name, setPath(family, TABLE, name)]);
  return Object.fromEntries(paths) as Record<ServiceSet, SetPath>;
}

/** Paths of the chains and sets that belong to one Service; see nft/objects.ts. */
export const OBJECT_PATHS: Readonly<Record<Family, Readonly<Record<ObjectNoun, SetPath>>>> = {
  ip: { chain: objectPath("ip", TABLE, "chain"), set: objectPath("ip", TABLE, "set") },
  ip6: { chain: objectPath("ip6", TABLE, "chain"), set: objectPath("ip6", TABLE, "set") },
};

/** Every set and map of the skeleton by path. */
export const CONTAINERS: ReadonlyMap<SetPath, Container> = new Map(
  FAMILIES.flatMap((family) =>
    Object.values(containers(family)).map((set) => [setPath(family, TABLE, set.name), set] as const)
  ),
);

function verdictMap(name: string, key: readonly DataType[], comment: string): Container {
  return { kind: "map", name, key, value: "verdict", comment };
}

/** See leads.ts. */
function leadMap(name: string, key: readonly DataType[], comment: string): Container {
  return { kind: "map", name, key, value: ["classid"], comment };
}

function singleMap(name: string, key: readonly DataType[], address: DataType, comment: string): Container {
  return { kind: "map", name, key, value: [address, "inet_service"], comment };
}

function slotMap(name: string, key: readonly DataType[], address: DataType, comment: string): Container {
  return { kind: "map", name, key: [...key, "slot"], value: [address, "inet_service"], comment };
}

/** After the NAT chains of all other programs: those that nft and others name end at 300 (conntrack helpers). */
const AFTER_OTHERS = 1000;

/**
 * Base chains, all of type nat: the kernel runs them for the first packet of a connection alone, and so established ones cost
 * nothing. Why three at a hook? Of the NAT chains at a hook, the first that translates a packet ends it for those behind. The
 * guard has kube-proxy's priority, before every program that could translate, and so none hides a packet from it. Frontends
 * have kube-proxy's too. Refusal comes last: what another program translates, such as a Service with another proxy, is not
 * refused. `reject` works at prerouting since Linux 5.9 (nft_reject_validate), in a chain of any type.
 */
function baseChains(family: Family, config: ProxyConfig, local: Detector): Chain[] {
  const at = (name: string, hook: "prerouting" | "output" | "postrouting", priority: number, rules: Rule[]) =>
    ({ name, hook: { type: "nat", hook, priority }, rules }) as const;
  const services = (outside: string) => serviceRules(family, config, local, outside);
  return [
    at("guard-prerouting", "prerouting", -110, [guard(family)]),
    at("guard-output", "output", -110, [guard(family)]),
    at("nat-prerouting", "prerouting", -100, services(FROM_OUTSIDE)),
    at("nat-output", "output", -100, services(FROM_NODE)),
    at("refuse-prerouting", "prerouting", AFTER_OTHERS, refusalRules(family, config, "prerouting")),
    at("refuse-output", "output", AFTER_OTHERS, refusalRules(family, config, "output")),
    at("nat-postrouting", "postrouting", 100, masqueradeRules(family, config)),
  ];
}

/** Every first packet runs this rule: it is in the base chain, and not behind a jump. So are the rules of the others. */
function guard(family: Family): Rule {
  return rule([{ kind: "vmap", key: frontendKey(family), map: "firewall-ips" }]);
}

/**
 * What of the packets at a hook is refused for its cluster IP. An address of the node itself may be one, for programs such as
 * NodeLocal DNSCache; kube-proxy checks no packet that the node receives for itself.
 */
const FORWARDED: Readonly<Record<"prerouting" | "output", readonly Statement[]>> = {
  prerouting: [{ kind: "match", selector: "fib daddr type", operator: "!=", value: "local" }],
  output: [],
};

/** Refuses packets that no program has translated: to frontends without endpoints, to other ports of cluster IPs, and to unallocated ones. */
function refusalRules(family: Family, config: ProxyConfig, hook: keyof typeof FORWARDED): Rule[] {
  const destination: Selector = `${family} daddr`;
  const reject = goto("reject-chain");
  return [
    ...nodePortRules(family, config, [
      { kind: "vmap", key: NODE_PORT, map: "no-endpoint-nodeports" },
      reject,
    ]),
    rule([{ kind: "vmap", key: frontendKey(family), map: "no-endpoint-services" }, reject]),
    rule([{ kind: "lookup", key: [destination], set: "cluster-ips" }, jump(`unserved-${hook}`)]),
    // Of the addresses that we know of no Service at, another proxy may serve some.
    ...(config.serviceProxyName === undefined
      ? [
        rule(
          [{ kind: "lookup", key: [destination], set: "service-cidrs" }, ...FORWARDED[hook], DROP],
          "Drop traffic to unallocated ClusterIPs",
        ),
      ]
      : []),
  ];
}

function masqueradeRules(family: Family, config: ProxyConfig): Rule[] {
  const mark = 2 ** config.masqueradeBit;
  return [
    rule([{ kind: "mark-test", bits: mark }, { kind: "mark-set", operator: "^", bits: mark }, {
      kind: "masquerade",
    }]),
    rule([
      { kind: "ct-status-dnat" },
      { kind: "lookup", key: [`${family} saddr`, ...frontendKey(family)], set: "hairpin-connections" },
      { kind: "masquerade" },
    ]),
  ];
}

function fixedChains(family: Family, config: ProxyConfig, local: Detector): Chain[] {
  return [
    ...frontendChains(family, config, local),
    ...outsideChains(family, config),
    ...(["prerouting", "output"] as const).map((hook) =>
      chain(`unserved-${hook}`, [
        // A Service that got its only endpoint, or kept one of two, while the packet met the rules.
        rule([jump(LAST_LOOK)]),
        rule([...FORWARDED[hook], goto("reject-chain")], "Reject traffic to invalid ports of ClusterIPs"),
      ])
    ),
    chain("reject-chain", [
      rule([{ kind: "match", selector: "meta l4proto", operator: "==", value: "tcp" }, {
        kind: "reject",
        with: "tcp-reset",
      }]),
      rule([{ kind: "reject", with: "port-unreachable" }]),
    ]),
  ];
}

const DROP: Statement = { kind: "verdict", verdict: { kind: "drop" } };
function chain(name: string, rules: Rule[]): Chain {
  return { name, rules };
}

function detector(family: Family, config: ProxyConfig, podCIDRs: readonly string[]): Detector {
  const { detectLocal } = config;
  const match = { kind: "match", operator: "==" } as const;
  switch (detectLocal.mode) {
    case "ClusterCIDR":
    case "NodeCIDR": {
      const cidr = localCidr(config, podCIDRs, family);
      return cidr && { ...match, selector: `${family} saddr`, value: cidrText(cidr) };
    }
    case "BridgeInterface":
      return { ...match, selector: "iifname", value: detectLocal.name };
    case "InterfaceNamePrefix":
      return { ...match, selector: "iifname", value: `${detectLocal.prefix}*` };
    default:
      return unreachable(detectLocal);
  }
}
