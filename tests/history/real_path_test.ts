// The path of a real packet, beside what the rules of a ledger say. The kernel's reports are made here; real ones are in
// tests/kernel/packet_trace_test.ts.

import assert from "node:assert/strict";
import { readPacket } from "../../src/history/packet_words.ts";
import { stateAt } from "../../src/history/past.ts";
import { type MetPacket, type MetRule, realPath } from "../../src/history/real_path.ts";
import type { Packet } from "../../src/history/trace.ts";
import { pathOf } from "../../src/history/why.ts";
import { canonicalAddress } from "../../src/nft/data_type.ts";
import { committedPast } from "../support/past.ts";

const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;
/** Two endpoints serve the packet's target. */
const STATE = stateAt(committedPast(), 2);

const rule = (chain: string, rule: string | undefined, more: Partial<MetRule> = {}): MetRule => {
  const verdict = { kind: "continue" } as const;
  return { kind: "rule", family: "ip", table: "ledgerproxy", chain, rule, handle: "7", verdict, ...more };
};
/** All rules that the model has on the packet's ways. */
const MODELLED = pathOf(STATE, PACKET).steps.map(({ chain, rule: text }) => rule(chain, text));
const reaches = (destination: string, port: number, source: string = PACKET.source): MetPacket["final"] => {
  return { source: canonicalAddress(source), destination: canonicalAddress(destination), port };
};

Deno.test("a packet on one of the model's ways agrees, and only its endpoint is found", () => {
  const { agrees, outcome, steps } = realPath(STATE, PACKET, {
    events: MODELLED,
    final: reaches("10.244.0.2", 8080),
  });
  assert.equal(agrees, true);
  assert.deepEqual(outcome, { kind: "deliver", destination: "10.244.0.2", port: 8080, masqueraded: false });
  const endpoints = steps.flatMap(({ found }) => found).filter(({ set }) => set === "endpoints");
  assert.deepEqual(endpoints.map(({ value, cause }) => [value, cause?.offset]), [["10.244.0.2 . 8080", 1]]);
});

Deno.test("another endpoint, a masqueraded source and a rule that the ledger lacks differ", () => {
  const agrees = (met: Partial<MetPacket>) =>
    realPath(STATE, PACKET, { events: MODELLED, final: reaches("10.244.0.2", 8080), ...met }).agrees;
  assert.equal(agrees({ final: reaches("10.244.0.9", 8080) }), false);
  assert.equal(agrees({ final: reaches("10.244.0.2", 8080, "192.168.0.2") }), false);
  assert.equal(agrees({ events: [...MODELLED, rule("services", "dnat to 10.244.0.9:80")] }), false);
  const foreign = rule("forward", undefined, { family: "inet", table: "firewall" });
  assert.equal(agrees({ events: [...MODELLED, foreign] }), true, "another table does not count");
});

Deno.test("a packet that a rule ends is dropped or refused, and one that no rule ends is lost", () => {
  const drop = { verdict: { kind: "drop" } } as const;
  const kind = (last: MetRule) => realPath(STATE, PACKET, { events: [last], final: undefined }).outcome.kind;
  assert.equal(kind(rule("forward", undefined, { ...drop, table: "filter" })), "drop");
  assert.equal(kind(rule("refused", "meta l4proto tcp reject with tcp reset", drop)), "tcp-reset");
  assert.equal(kind(rule("refused", "reject", drop)), "port-unreachable");
  assert.equal(kind(rule("queue", undefined, { table: "filter", verdict: 3 })), "lost");
  assert.equal(kind(rule("nat-postrouting", "jump masquerading")), "lost");
  assert.equal(realPath(STATE, PACKET, { events: [], final: undefined }).outcome.kind, "lost");
});

Deno.test("steps have tables, handles of unknown rules, and policies of other tables", () => {
  const other = { family: "inet", table: "firewall" } as const;
  const { steps } = realPath(STATE, PACKET, {
    events: [
      rule("forward", undefined, other),
      rule("forward", undefined, { ...other, kind: "policy", verdict: { kind: "accept" } }),
      rule("nat-prerouting", undefined, { kind: "policy", verdict: { kind: "accept" } }),
      rule("services", undefined, { kind: "return" }),
    ],
    final: reaches("10.244.0.2", 8080),
  });
  assert.deepEqual(steps.map(({ table, chain, rule, verdict }) => [table, chain, rule, verdict]), [
    ["inet firewall", "forward", "rule 7", "continue"],
    ["inet firewall", "forward", "policy", "accept"],
  ]);
});
