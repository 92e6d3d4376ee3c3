// Chains for packets whose source is not local. They come before the chains for all packets, and what they translate is masqueraded
// too. So they mark a packet first, and take the mark back where nothing was found. Why not look for the address first, as
// kube-proxy does? A lookup takes ten times as long as a mark, and the translation is a lookup already.

import type { ProxyConfig } from "../kube/proxy_config.ts";
import type { Family } from "../nft/data_type.ts";
import type { Chain } from "../nft/ruleset.ts";
import { goto, jump, rule, type Selector, type Statement } from "../nft/statement.ts";
import {
  aroundNodePorts,
  drawOfTwo,
  markFor,
  NODE_PORTS,
  nodePortRules,
  toSingleExternal,
} from "./frontend_chains.ts";
import { isLead } from "./leads.ts";
import { frontendKey, NODE_PORT } from "./pick_chains.ts";

/** Where packets go whose source is not local, by hook: those from other hosts, and those of the node itself. */
export const [FROM_OUTSIDE, FROM_NODE] = ["from-outside", "from-node"] as const;

const RETURN: Statement = { kind: "verdict", verdict: { kind: "return" } };
const ACCEPT: Statement = { kind: "verdict", verdict: { kind: "accept" } };

/**
 * The chains. They differ in order: packets from other hosts are for external addresses and NodePorts mostly, those of the node
 * for cluster IPs. A packet that has the mark already keeps it, and meets what all packets meet.
 */
export function outsideChains(family: Family, config: ProxyConfig): Chain[] {
  const bits = 2 ** config.masqueradeBit;
  const [mark, unmark] = [markFor(bits), rule([{ kind: "mark-set", operator: "^", bits }], "not translated")];
  const found = (key: readonly Selector[], map: string) => rule([mark, { kind: "dnat", key, map }]);
  const frontend = frontendKey(family);
  const marked = rule([{ kind: "mark-test", bits }, RETURN]);
  const single = found(frontend, "single-endpoints");
  const lead = rule([{ kind: "priority-set", key: frontend, map: "service-ips" }, goto("outside-lead")]);
  const nodePortLead: Statement[] = [
    { kind: "priority-set", key: NODE_PORT, map: "service-nodeports" },
    goto("nodeport-lead"),
  ];
  const two = rule([mark, ...drawOfTwo(family).statements]);
  const nodePorts = nodePortRules(family, config, [jump(NODE_PORTS)]);
  const end = rule([ACCEPT]);
  return [
    {
      name: FROM_OUTSIDE,
      rules: [
        ...[marked, lead, found(frontend, "single-external-endpoints"), unmark],
        ...aroundNodePorts(family, config, nodePorts, [single, two, unmark]),
        end,
      ],
    },
    {
      name: FROM_NODE,
      rules: [marked, lead, single, unmark, toSingleExternal(family), two, unmark, ...nodePorts, end],
    },
    {
      name: "outside-lead",
      rules: [rule([isLead("==", "cluster"), mark], "masquerade"), rule([jump("lead")]), end],
    },
    {
      name: NODE_PORTS,
      rules: [
        rule([{ kind: "mark-test", bits }, ...nodePortLead], "marked already"),
        found(NODE_PORT, "single-nodeport-endpoints"),
        unmark,
        rule(nodePortLead),
      ],
    },
  ];
}
