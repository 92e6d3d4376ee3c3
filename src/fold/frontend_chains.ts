// Chains that frontends lead through: from an address and port to the pick chain of the frontend's slot class. Why is a lead
// written into the packet's priority, and not a verdict found? See leads.ts.

import { type Cidr, cidrText, contains, disjoint, parseCidr } from "../kube/address.ts";
import { nodePortScope, type ProxyConfig } from "../kube/proxy_config.ts";
import { AFFINITY_SECONDS_DEFAULT } from "../kube/service_port.ts";
import type { Family } from "../nft/data_type.ts";
import type { Chain } from "../nft/ruleset.ts";
import { goto, jump, type Rule, rule, type Selector, type Statement } from "../nft/statement.ts";
import { DEFAULT_TIMEOUT_CHAIN } from "./affinity_chains.ts";
import { IS_PINNED, isLead, isPinnedFor } from "./leads.ts";
import { type EndpointMap, frontendKey, LAST_LOOK, leadRules, NODE_PORT } from "./pick_chains.ts";

/** The local-traffic detector as a match of one family; undefined where there is none, as in kube-proxy's NoOp. */
export type Detector = (Statement & { kind: "match" }) | undefined;

/**
 * What every first packet meets: it is led to its frontend's chains, or goes on as it came. Packets whose translation is
 * masqueraded meet chain `outside` first (outside_chains.ts). Leads come first, because more rules are behind them than behind the
 * frontends without one.
 */
export function serviceRules(family: Family, config: ProxyConfig, local: Detector, outside: string): Rule[] {
  const frontend = frontendKey(family);
  return [
    ...toOutside(config, local, outside),
    rule([{ kind: "priority-set", key: frontend, map: "service-ips" }, goto("lead")]),
    rule([{ kind: "dnat", key: frontend, map: "single-endpoints" }]),
    toSingleExternal(family),
    ...aroundNodePorts(family, config, nodePortRules(family, config, [jump(NODE_PORTS)]), [
      drawOfTwo(family),
    ]),
  ];
}

/**
 * Cluster IPs come before NodePorts, because a cluster IP may be an address of the node (NodeLocal DNSCache does that). The
 * node's primary address is none, and so they may come after it.
 */
export function aroundNodePorts(
  family: Family,
  config: ProxyConfig,
  nodePorts: readonly Rule[],
  clusterIPs: readonly Rule[],
): Rule[] {
  const scope = nodePortScope(config, family);
  const primaryAlone = !scope.all && scope.cidrs.length === 0;
  return primaryAlone ? [...nodePorts, ...clusterIPs] : [...clusterIPs, ...nodePorts];
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

/**
 * The chains that {@link serviceRules} lead to before a pick chain. What has no pick chain returns to `lead` or
 * `nodeport-lead`, where affinity comes after it. Why so? The kernel validates a chain once for each rule that leads to it.
 */
export function frontendChains(family: Family, config: ProxyConfig, local: Detector): Chain[] {
  const frontend = frontendKey(family);
  const mark = markFor(2 ** config.masqueradeBit);
  const [two, ...leads] = leadRules("cluster", "pick");
  const [few, some, more] = [leads.slice(0, FEW), leads.slice(FEW, SOME), leads.slice(SOME)];
  return [
    {
      name: "lead",
      rules: [
        rule([isPinnedFor(AFFINITY_SECONDS_DEFAULT), goto(DEFAULT_TIMEOUT_CHAIN)]),
        ...few,
        rule([isLead("!=", "cluster"), jump("external")]),
        ...some,
        TO_PINNED,
        two!,
        ...more,
        // With external policy Local, packets of pods and the node come back from there with the lead to all endpoints.
        ...few,
      ],
    },
    {
      name: "external",
      rules: [
        rule([isLead("==", "local"), goto("external-local")]),
        rule([mark], "masquerade"),
        ...leadRules("external", "pick"),
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
        rule([isLead("==", "cluster"), mark], "masquerade"),
        rule([isLead("==", "local"), jump("nodeport-local")]),
        ...leadRules("cluster", "nodeport-pick"),
        TO_PINNED,
      ],
    },
    {
      name: "nodeport-local",
      rules: localPolicy(mark, local, NODE_PORT, "nodeports", "local-nodeport-pick"),
    },
    lastLook(family, config, local),
    ...(["local-pick", "local-nodeport-pick"] as const).map((name): Chain => ({
      name,
      rules: leadRules("local", name),
    })),
  ];
}

/**
 * The chain of packets that found nothing, though their frontend was served when they came. Their way before may have been that of
 * no frontend, so those whose translation is masqueraded are marked here.
 */
function lastLook(family: Family, { masqueradeBit, masqueradeAll }: ProxyConfig, local: Detector): Chain {
  const single = { kind: "dnat", key: frontendKey(family), map: "single-endpoints" } as const;
  const outside: Statement[] = masqueradeAll || local === undefined ? [] : [{ ...local, operator: "!=" }];
  const isMarked = masqueradeAll || local !== undefined;
  return {
    name: LAST_LOOK,
    rules: [
      ...(isMarked ? [rule([...outside, markFor(2 ** masqueradeBit), single])] : []),
      rule([single]),
      toSingleExternal(family),
    ],
  };
}

/** How many slot classes come before all else: a cluster IP with two endpoints has no lead, and most Services have at most four. */
const FEW = 2;
/** How many come before affinity with other timeouts than the default. */
const SOME = FEW + 3;

/** Frontends with ClientIP affinity: by a map, because there are chains for each timeout. */
const TO_PINNED: Rule = rule([
  IS_PINNED,
  { kind: "vmap", key: ["meta priority"], map: "affinity-leads" },
]);

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
 * ones. A frontend in neither map falls through without DNAT, and is dropped later, as in kube-proxy.
 */
function localPolicy(
  mark: Statement,
  local: Detector,
  key: readonly Selector[],
  kind: "ips" | "nodeports",
  localEndpoints: EndpointMap["name"],
): Rule[] {
  const all: Statement[] = [
    { kind: "priority-set", key, map: `local-policy-${kind}` },
    { kind: "verdict", verdict: { kind: "return" } },
  ];
  const fromNode: Statement = { kind: "match", selector: "fib saddr type", operator: "==", value: "local" };
  return [
    ...(local === undefined ? [] : [rule([local, ...all], "short-circuit pod traffic")]),
    rule([fromNode, mark], "masquerade local traffic"),
    rule([fromNode, ...all], "short-circuit local traffic"),
    rule([{ kind: "priority-set", key, map: `local-only-${kind}` }, goto(localEndpoints)]),
  ];
}

const LOOPBACK: Readonly<Record<Family, Cidr>> = {
  ip: parseCidr("127.0.0.0/8")!,
  ip6: parseCidr("::1/128")!,
};

/** Marks a packet for masquerading. */
export function markFor(bits: number): Statement {
  return { kind: "mark-set", operator: "|", bits };
}
