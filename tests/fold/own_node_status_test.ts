// Each problem with the own node has a name, for health, metrics and warnings.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { nodeStatus } from "../../src/fold/own_node.ts";
import type { Node } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, vanishes } from "../support/cluster_notation.ts";

const NODE_CIDR: ProxyConfig = { ...DEFAULT_PROXY_CONFIG, detectLocal: { mode: "NodeCIDR" } };
const ZONE = "topology.kubernetes.io/zone";

function config(nodeName = "node-a", proxy = NODE_CIDR): LedgerRecord {
  return { kind: "config", time: "", version: "0", nodeName, proxy };
}

/** `uid 192.0.2.10 zone-1 10.244.1.0/24`, each but the uid left out where it is "-". */
function node(text: string, name = "node-a"): Node {
  const [uid, address, zone, podCIDR] = text.split(" ") as [string, string, string, string];
  return {
    kind: "Node",
    metadata: { name, uid, ...(zone === "-" ? {} : { labels: { [ZONE]: zone } }) },
    spec: podCIDR === "-" ? {} : { podCIDRs: [podCIDR] },
    status: address === "-" ? {} : { addresses: [{ type: "InternalIP", address }] },
  };
}

const WHOLE = node("1 192.0.2.10 zone-1 10.244.1.0/24");

function folded(...records: LedgerRecord[]): ClusterState {
  const state = emptyState();
  records.forEach((record, offset) => foldRecord(state, offset as Offset, record));
  return state;
}

const FOUND: readonly [string, readonly LedgerRecord[], boolean, string, string, boolean][] = [
  ["whole", [config(), appears(WHOLE)], true, "yes", "", true],
  ["not read yet", [config()], false, "unread", "", true],
  ["no such Node", [config()], true, "never", "missing", false],
  ["deleted", [config(), appears(WHOLE), vanishes(WHOLE)], true, "gone", "deleted", false],
  ["made again", [config(), appears(WHOLE), vanishes(WHOLE), appears(WHOLE)], true, "yes", "", true],
  ["renamed", [config(), appears(WHOLE), vanishes(WHOLE), config("node-b")], true, "never", "missing", false],
  ["without a name", [config("")], true, "unnamed", "unnamed", true],
  [
    "without addresses",
    [config(), appears(node("1 - zone-1 10.244.1.0/24"))],
    true,
    "yes",
    "unaddressed",
    true,
  ],
  [
    "with a loopback address",
    [config(), appears(node("1 127.0.0.1 - 10.1.0.0/24"))],
    true,
    "yes",
    "unaddressed",
    true,
  ],
  [
    "without pod CIDRs",
    [config(), appears(node("1 192.0.2.10 - -"))],
    true,
    "yes",
    "without-pod-cidrs",
    true,
  ],
  [
    "without pod CIDRs, which no detector uses",
    [config("node-a", DEFAULT_PROXY_CONFIG), appears(node("1 192.0.2.10 - -"))],
    true,
    "yes",
    "",
    true,
  ],
];

for (const [what, records, complete, found, problem, eligible] of FOUND) {
  Deno.test(`the status of a node ${what}`, () => {
    const status = nodeStatus(folded(...records), complete);
    assert.deepEqual([status.found, status.problem, status.eligible], [found, problem, eligible]);
    assert.equal(status.text !== "", problem !== "", "a problem is said in words, and nothing else");
  });
}

Deno.test("a Node that must not be read is a separate problem, with the reason", () => {
  const status = nodeStatus(folded(config()), false, "403 Forbidden");
  assert.deepEqual([status.found, status.problem, status.eligible], ["unread", "unreadable", true]);
  assert.match(status.text, /403 Forbidden/);
});
