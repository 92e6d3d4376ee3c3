// Packets and outcomes as text.

import assert from "node:assert/strict";
import { outcomeLines, outcomesText, outcomeText, readPacket } from "../../src/history/packet_words.ts";
import type { Outcome, Packet } from "../../src/history/trace.ts";

Deno.test("a packet has a sender and a target of one family; a wrong value is named", () => {
  assert.deepEqual(readPacket("10.244.0.5", "10.96.0.10:53/UDP", "eth0"), {
    source: "10.244.0.5",
    destination: "10.96.0.10",
    protocol: "udp",
    port: 53,
    interface: "eth0",
  });
  assert.deepEqual(readPacket("fd00::5", "[fd00::1]:443"), {
    source: "fd00::5",
    destination: "fd00::1",
    protocol: "tcp",
    port: 443,
  });
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["10.0.0.1", "10.0.0.2", /^10\.0\.0\.2: it must be ADDRESS:PORT\/PROTO/],
    ["10.0.0.1", "10.0.0.2:0/tcp", /it must be ADDRESS:PORT/],
    ["10.0.0.1", "10.0.0.2:65536/tcp", /it must be ADDRESS:PORT/],
    ["10.0.0.1", "fd00::1:80/tcp", /it must be ADDRESS:PORT/],
    ["web", "10.0.0.2:80/tcp", /^web: it must be the IP address of the sender$/],
    ["fd00::1", "10.0.0.2:80/tcp", /two address families$/],
  ];
  for (const [source, target, message] of cases) assert.match(String(readPacket(source, target)), message);
});

Deno.test("an outcome is printed with its probability, and whether the packet was translated or masqueraded", () => {
  const packet = readPacket("10.244.0.5", "10.96.0.10:53/udp") as Packet;
  const outcome: Outcome = {
    kind: "deliver",
    destination: packet.destination,
    port: 53,
    masqueraded: false,
    probability: 1,
  };
  assert.equal(outcomeText(packet, outcome), "unchanged, to 10.96.0.10:53");
  assert.equal(
    outcomeText(packet, { ...outcome, port: 5353, masqueraded: true, probability: 0.25 }),
    "25.0 %  to 10.96.0.10:5353, masqueraded",
  );
  assert.equal(outcomeText(packet, { ...outcome, kind: "drop" }), "dropped, without an answer");
  assert.equal(outcomeText(packet, { ...outcome, kind: "tcp-reset" }), "refused with a TCP reset");
  assert.equal(
    outcomeText(packet, { ...outcome, kind: "port-unreachable" }),
    "refused with ICMP port unreachable",
  );
});

Deno.test("an outcome that is possible is never written as zero", () => {
  const packet = readPacket("10.244.0.5", "10.96.0.10:80/tcp") as Packet;
  const outcome = { kind: "deliver", destination: packet.destination, port: 80, masqueraded: false } as const;
  const text = (probability: number) => outcomeText(packet, { ...outcome, probability }).split("  ")[0];
  assert.deepEqual([1 / 3, 1 / 1000, 1 / 3000, 1 / 65_536].map(text), [
    "33.3 %",
    "0.1 %",
    "0.03 %",
    "0.002 %",
  ]);
});

Deno.test("a line names the most probable outcomes, and how many more there are", () => {
  const packet = readPacket("10.244.0.5", "10.96.0.10:80/tcp") as Packet;
  const outcomes = Array.from({ length: 3000 }, (_, i): Outcome => {
    return {
      kind: "drop",
      destination: packet.destination,
      port: i,
      masqueraded: false,
      probability: 1 / 3000,
    };
  });
  assert.match(
    outcomesText(packet, outcomes),
    /^(0\.03 % {2}dropped, without an answer; ){8}and 2,992 more$/,
  );
  assert.doesNotMatch(outcomesText(packet, outcomes.slice(0, 8)), /more/);
});

Deno.test("of many outcomes the first are lines, and one without an answer however improbable it is", () => {
  const packet = readPacket("10.244.0.9", "10.96.0.1:80/tcp") as Packet;
  const outcomes = Array.from({ length: 3000 }, (_, i): Outcome => ({
    kind: i === 2998 ? "tcp-reset" : "deliver",
    destination: `10.244.${i >> 8}.${i & 255}` as Outcome["destination"],
    port: 80,
    masqueraded: false,
    probability: i === 0 ? 0.1 : 0.9 / 2999,
  }));
  const lines = outcomeLines(packet, outcomes, ": REST");
  assert.equal(lines.length, 10);
  assert.deepEqual(lines.slice(8), [
    "0.03 %  refused with a TCP reset",
    "and 2,991 more outcomes, each with 0.03 %: REST",
  ]);
  assert.match(outcomesText(packet, outcomes), /; 0\.03 % {2}refused with a TCP reset; and 2,991 more$/);
  assert.equal(outcomeLines(packet, outcomes, ": REST", true).length, 3000);
  assert.equal(
    outcomeLines(packet, outcomes.slice(0, 16), "").length,
    16,
    "a list that is little longer is whole",
  );
  const differing = outcomes.map((one, i) => ({ ...one, probability: 1 / (i + 1) }));
  assert.match(
    outcomeLines(packet, differing, "").at(-1)!,
    /^and 2,991 more outcomes, each with 0\.03 % to 11\.1 %$/,
  );
});
