// Each problem with the own node has a name, for health, metrics and warnings.

import assert from "node:assert/strict";
import { nodeStatus } from "../../src/fold/own_node.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { appears, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import { config, node } from "../support/own_node.ts";

const WHOLE = node("1 192.0.2.10 zone-1 10.244.1.0/24");

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
