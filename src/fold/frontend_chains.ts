// Chains that frontends lead through: from an address and port to the pick chain of the frontend's slot class. Why is a lead
// written into the packet, and not a verdict found? See leads.ts.

import { type Cidr, cidrText, contains, disjoint, parseCidr } from "../kube/address.ts";
import { nodePortScope, type ProxyConfig } from "../kube/proxy_config.ts";
import type { Family } from "../nft/data_type.ts";
import type { Chain } from "../nft/ruleset.ts";
import { type Rule, rule, type Selector, type Statement } from "../nft/statement.ts";
import { AFFINITY_ENTRY } from "./affinity_chains.ts";
import { allLeads, type LeadKind, leadsOf, leadsPinnedFor } from "./leads.ts";
import { type EndpointMap, leadRules } from "./pick_chains.ts";

/** The local-traffic detector as a match of one family; undefined where there is none, as in kube-proxy's NoOp. */
export type Detector = (Statement & { kind: "match" }) | undefined;

/**
 * What every first packet meets: it is led to its frontend's chains, or goes on as it came. Packets whose translation is
 * masqueraded meet chain `outside` first (outside_chains.ts).
 */
export function serviceRules(family: Family, config: ProxyConfig, local: Detector, outside: string): Rule[] {
  const frontend = frontendKey(family);
  return [
    ...toOutside(config, local, outside),
    rule([{ kind: "dnat", key: frontend, map: "single-endpoints" }]),
    rule([{ kind: "daddr-set", key: frontend, map: "service-ips" }, goto("lead")]),
    toSingleExternal(family),
    drawOfTwo(family),
    ...nodePortRules(family, config, [jump(NODE_PORTS)]),
  ];
}

/** The comparison of the source is all that packets of pods need, which are most. */
function toOutside({ masqueradeAll }: ProxyConfig, local: Detector, outside: string): Rule[] {
  if (masqueradeAll) return [rule([jump(outside)], "masquerade all clusterIP traffic")];
  if (local === undefined) return [];
  return [
    rule([{ ...local, operator: "!=" }, jump(outside)], "masquerade clusterIP traffic from outside cluster"),
  ];
}

/**
 * External addresses with one endpoint have no lead either. What goes there is masqueraded, whatever its source. Why a set, beside
 * the map of the endpoints? All other packets would have to be marked for that lookup, and lose the mark again.
 */
export function toSingleExternal(family: Family): Rule {
  return rule([
    { kind: "lookup", key: frontendKey(family), set: "single-external-ips" },
    goto(SINGLE_EXTERNAL),
  ]);
}

const SINGLE_EXTERNAL = "single-external";

/**
 * A cluster IP with two endpoints has no lead, and both slots are filled. So this rule comes behind the lookup of leads: frontends
 * with more endpoints have slots in the same map. Why not a lead as well? Writing and comparing it takes longer than this lookup.
 */
export function drawOfTwo(family: Family): Rule {
  const key = [...frontendKey(family), { kind: "numgen", modulus: 2 } as const];
  return rule([{ kind: "dnat", key, map: "endpoints" }]);
}

/** Where packets for NodePorts go, whatever their source: their translation is masqueraded, but for external policy Local. */
export const NODE_PORTS = "nodeports";

/** What a frontend with an address is found by. */
export function frontendKey(family: Family): Selector[] {
  return [`${family} daddr`, ...NODE_PORT];
}

/** What a NodePort is found by. */
export const NODE_PORT: readonly Selector[] = ["meta l4proto", "th dport"];

/**
 * The chains that {@link serviceRules} lead to before a pick chain. What has no pick chain returns to `lead` or
 * `nodeport-lead`, where affinity comes last. Why so? The kernel validates a chain once for each rule that leads to it.
 */
export function frontendChains(family: Family, config: ProxyConfig, local: Detector): Chain[] {
  const frontend = frontendKey(family);
  const mark = markFor(2 ** config.masqueradeBit);
  const leads = leadRules(family, "cluster", "pick");
  const [few, more] = [leads.slice(0, FEW), leads.slice(FEW)];
  return [
    {
      name: "lead",
      rules: [
        rule([isLead(family, "!=", "cluster"), jump("external")]),
        ...few,
        pinnedAtClusterIP(family),
        ...more,
        ...pinnedRules(family, "ips"),
      ],
    },
    {
      name: "external",
      rules: [
        rule([isLead(family, "==", "local"), goto("external-local")]),
        rule([mark], "masquerade"),
        ...leadRules(family, "external", "pick"),
      ],
    },
    {
      name: SINGLE_EXTERNAL,
      rules: [rule([mark, { kind: "dnat", key: frontend, map: "single-external-endpoints" }])],
    },
    { name: "external-local", rules: localPolicy(mark, local, frontend, "ips", "local-pick") },
    {
      name: "nodeport-lead",
      rules: [
        rule([isLead(family, "==", "cluster"), mark], "masquerade"),
        rule([isLead(family, "==", "local"), jump("nodeport-local")]),
        ...leadRules(family, "cluster", "nodeport-pick"),
        ...pinnedRules(family, "nodeports"),
      ],
    },
    {
      name: "nodeport-local",
      rules: localPolicy(mark, local, NODE_PORT, "nodeports", "local-nodeport-pick"),
    },
    ...(["local-pick", "local-nodeport-pick"] as const).map((name): Chain => ({
      name,
      rules: leadRules(family, "local", name),
    })),
  ];
}

/** How many slot classes come before affinity: most Services have at most four endpoints. */
const FEW = 3;

/** Cluster IPs with ClientIP affinity: by a map, because there is a chain for each timeout. Others come last. */
function pinnedAtClusterIP(family: Family): Rule {
  const selector = `${family} daddr` as const;
  return rule([
    { kind: "match", selector, operator: "==", value: leadsPinnedFor(family) },
    { kind: "vmap", key: [selector], map: "affinity-leads" },
  ]);
}

/** Leads that no pick chain took are those of ServicePorts with affinity. Any other packet has its own destination again. */
function pinnedRules(family: Family, kind: keyof typeof AFFINITY_ENTRY): Rule[] {
  return [
    rule([
      { kind: "match", selector: `${family} daddr`, operator: "==", value: allLeads(family) },
      goto(AFFINITY_ENTRY[kind]),
    ]),
  ];
}

/**
 * Applies `lead` to packets for addresses that accept NodePort traffic. The CIDR and the routing table decide for every
 * address but the primary one, so an address that the node gets later is served at once. Loopback is never served.
 */
export function nodePortRules(family: Family, config: ProxyConfig, lead: readonly Statement[]): Rule[] {
  const scope = nodePortScope(config, family);
  const destination: Selector = `${family} daddr`;
  const loopback = LOOPBACK[family];
  const notLoopback: Statement = {
    kind: "match",
    selector: destination,
    operator: "!=",
    value: cidrText(loopback),
  };
  const own: Statement = { kind: "match", selector: "fib daddr type", operator: "==", value: "local" };
  if (scope.all) return [rule([own, notLoopback, ...lead])];
  const primary = rule([{ kind: "lookup", key: [destination], set: "nodeport-ips" }, ...lead]);
  const useful = disjoint(scope.cidrs).filter(({ address }) => !contains(loopback, address));
  return [
    ...(scope.primary ? [primary] : []),
    ...useful.map((cidr) =>
      rule([
        { kind: "match", selector: destination, operator: "==", value: cidrText(cidr) },
        own,
        ...(contains(cidr, loopback.address) ? [notLoopback] : []),
        ...lead,
      ])
    ),
  ];
}

/**
 * externalTrafficPolicy Local: pods and the node are short-circuited to all endpoints, all other packets go to the local
 * ones. A frontend in neither map falls through without DNAT, with the destination that it came with, and is dropped later,
 * as in kube-proxy.
 */
function localPolicy(
  mark: Statement,
  local: Detector,
  key: readonly Selector[],
  kind: "ips" | "nodeports",
  localEndpoints: EndpointMap["name"],
): Rule[] {
  const all: Statement[] = [
    { kind: "daddr-set", key, map: `local-policy-${kind}` },
    { kind: "verdict", verdict: { kind: "return" } },
  ];
  const fromNode: Statement = { kind: "match", selector: "fib saddr type", operator: "==", value: "local" };
  return [
    rule([{ kind: "daddr-restore" }]),
    ...(local === undefined ? [] : [rule([local, ...all], "short-circuit pod traffic")]),
    rule([fromNode, mark], "masquerade local traffic"),
    rule([fromNode, ...all], "short-circuit local traffic"),
    rule([{ kind: "daddr-set", key, map: `local-only-${kind}` }, goto(localEndpoints)]),
  ];
}

/** Whether the packet's destination is a lead of `kind`, where it is a lead. */
export function isLead(family: Family, operator: "==" | "!=", kind: LeadKind): Statement {
  return { kind: "match", selector: `${family} daddr`, operator, value: leadsOf(family, kind) };
}

const LOOPBACK: Readonly<Record<Family, Cidr>> = {
  ip: parseCidr("127.0.0.0/8")!,
  ip6: parseCidr("::1/128")!,
};

/** The statement that ends a chain with another one. */
export function goto(name: string): Statement {
  return { kind: "verdict", verdict: { kind: "goto", chain: name } };
}

/** Marks a packet for masquerading. */
export function markFor(bits: number): Statement {
  return { kind: "mark-set", operator: "|", bits };
}

/** The statement that continues with another chain, and comes back. */
export function jump(name: string): Statement {
  return { kind: "verdict", verdict: { kind: "jump", chain: name } };
}
