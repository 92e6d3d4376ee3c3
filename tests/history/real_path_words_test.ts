// The text of a real packet's path.

import assert from "node:assert/strict";
import { readPacket } from "../../src/history/packet_words.ts";
import type { RealPath } from "../../src/history/real_path.ts";
import { realPathLines } from "../../src/history/real_path_words.ts";
import type { Outcome, Packet } from "../../src/history/trace.ts";
import { canonicalAddress } from "../../src/nft/data_type.ts";

const OUTCOME: Outcome = {
  kind: "deliver",
  destination: canonicalAddress("10.244.0.1"),
  port: 8080,
  masqueraded: true,
  probability: 0.5,
};
const { probability: _, ...REAL } = OUTCOME;
const PATH: RealPath = {
  packet: readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet,
  node: "node-a",
  at: 12,
  steps: [
    {
      table: "ip ledgerproxy",
      chain: "services",
      rule: "goto lead",
      verdict: "goto lead",
      found: [],
      expected: true,
    },
    {
      table: "inet firewall",
      chain: "forward",
      rule: "rule 3",
      verdict: "accept",
      found: [],
      expected: true,
    },
  ],
  outcome: REAL,
  expected: [OUTCOME, { ...OUTCOME, destination: canonicalAddress("10.244.0.2") }],
  agrees: true,
};

Deno.test("a path names tables, chains and rules, and the share of its outcome", () => {
  assert.deepEqual(realPathLines(PATH), [
    "10.244.9.9 -> 10.96.0.1:80/tcp on node node-a, a packet that arrives now",
    "",
    "table ip ledgerproxy",
    "  services: goto lead",
    "table inet firewall",
    "  forward: rule 3 accept",
    "",
    "to 10.244.0.1:8080, masqueraded",
    "The rules at @12 lead there too, with 50.0 %.",
  ]);
});

Deno.test("a difference names the rule that the ledger lacks, and what its rules say", () => {
  const [first] = PATH.steps;
  const steps = [{ ...first!, expected: false }];
  const lines = realPathLines({ ...PATH, steps, outcome: { ...REAL, kind: "lost" }, agrees: false });
  assert.deepEqual(lines.slice(3), [
    "  services: goto lead   not in the rules at @12",
    "",
    "lost behind the last of these rules: without a route, by a reverse path filter, or by a program that took it",
    "The rules at @12 lead elsewhere:",
    "  50.0 %  to 10.244.0.1:8080, masqueraded",
    "  50.0 %  to 10.244.0.2:8080, masqueraded",
  ]);
});
