// The search for the commit with which a packet stopped going where it should.

import assert from "node:assert/strict";
import { bisectPacket, packetFlips, parseExpectation } from "../../src/history/packet_bisect.ts";
import type { Expectation } from "../../src/history/packet_bisect.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import { isWrongPosition } from "../../src/history/past.ts";
import type { Outcome, Packet } from "../../src/history/trace.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";

const PAST = committedPast();
const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;
const expect = (text: string) => ({
  packet: PACKET,
  expected: parseExpectation(PACKET, text) as Expectation,
});

Deno.test("the commit is found with its cause, its changes for the packet, and both outcomes", () => {
  const answer = bisectPacket(PAST, 2, 6, expect("endpoint"));
  assert.ok(answer.kind === "found");
  const { flip } = answer;
  assert.deepEqual([flip.commit.offset, flip.commit.time, flip.cause.offset, flip.holds], [
    6,
    timeAt(3),
    5,
    false,
  ]);
  assert.deepEqual([flip.before, flip.after].map(([outcome]) => outcome?.kind), ["deliver", "tcp-reset"]);
  assert.ok(flip.changes.length > 0 && flip.changes.every(({ cause }) => cause === 5));
  assert.ok(
    !flip.changes.some(({ set }) => set.endsWith(" cluster-ips")),
    "the packet meets no such element",
  );
});

Deno.test("one endpoint of several can be expected, and every change of it is found", () => {
  const condition = expect("10.244.0.1");
  const flips = [...packetFlips(PAST, 0, 6, condition)].map(({ commit, holds }) => [commit.offset, holds]);
  assert.deepEqual(flips, [[2, true], [4, false]]);
});

Deno.test("where GOOD is not good or BAD is not bad, both outcomes and drift in between are named", () => {
  const records = [...PAST.records()].map(({ record }) => record);
  const drift: LedgerRecord = {
    kind: "drift",
    time: timeAt(9),
    process: "nft",
    pid: 7,
    changes: [],
    response: "",
  };
  const past = pastOf([...records.slice(0, 3), drift, ...records.slice(3, 4)]);
  const answer = bisectPacket(past, 2, 4, expect("endpoint"));
  assert.ok(answer.kind === "not bounded");
  assert.equal(answer.good, undefined);
  assert.deepEqual(answer.bad?.map(({ destination }) => destination), ["10.244.0.2"]);
  assert.deepEqual(answer.drift.map(({ offset }) => offset), [3]);
  const never = bisectPacket(past, 2, 4, expect("refused"));
  assert.ok(never.kind === "not bounded" && never.good?.length === 2 && never.bad === undefined);
});

Deno.test("a change that was not committed is not found; positions out of order are wrong", () => {
  assert.deepEqual(bisectPacket(PAST, 2, 5, expect("endpoint")), { kind: "not committed" });
  for (
    const ask of [
      () => bisectPacket(PAST, 6, 2, expect("endpoint")),
      () => [...packetFlips(PAST, 2, 2, expect("dropped"))],
    ]
  ) {
    assert.throws(
      ask,
      (error: Error) => isWrongPosition(error) && /GOOD comes before BAD/.test(error.message),
    );
  }
});

Deno.test("an expectation is endpoint, refused, dropped or an address; any other text is explained", () => {
  const outcome = (kind: Outcome["kind"], destination = "10.244.0.1"): Outcome =>
    ({ kind, destination, port: 80, masqueraded: false, probability: 1 }) as Outcome;
  const outcomes = [
    outcome("deliver"),
    outcome("deliver", "10.96.0.1"),
    outcome("drop"),
    outcome("tcp-reset"),
    outcome("port-unreachable"),
  ];
  const held = (text: string) => outcomes.map(expect(text).expected as Expectation);
  assert.deepEqual(held("endpoint"), [true, false, false, false, false]);
  assert.deepEqual(held("dropped"), [false, false, true, false, false]);
  assert.deepEqual(held("refused"), [false, false, false, true, true]);
  assert.deepEqual(held("10.244.0.1"), [true, false, false, false, false]);
  assert.deepEqual(held("10.244.0.1:80"), [true, false, false, false, false]);
  assert.deepEqual(held("010.244.0.1:81"), [false, false, false, false, false]);
  assert.match(
    parseExpectation(PACKET, "refuse") as string,
    /^refuse: it must be endpoint, refused, dropped, same, or an endpoint as ADDRESS or ADDRESS:PORT/,
  );
});

Deno.test("any change of the outcome can be searched for: probability, port, masquerade, Service", () => {
  const same = { packet: PACKET, expected: { kind: "same" } } as const;
  // Two endpoints, then one: the packet still reaches an endpoint.
  const answer = bisectPacket(PAST, 2, 4, same);
  assert.ok(answer.kind === "found");
  assert.deepEqual([answer.flip.commit.offset, answer.flip.cause.offset, answer.flip.holds], [4, 3, false]);
  assert.deepEqual(
    [answer.flip.before, answer.flip.after].map((outcomes) => outcomes.map(({ probability }) => probability)),
    [
      [0.5, 0.5],
      [1],
    ],
  );
  const flips = [...packetFlips(PAST, 2, 6, same)].map(({ commit, holds }) => [commit.offset, holds]);
  assert.deepEqual(flips, [[4, false], [6, false]]);
  const unchanged = bisectPacket(PAST, 4, 5, same);
  assert.equal(unchanged.kind, "not committed", "@5 is in no commit up to @5");
  const none = bisectPacket(PAST, 2, 3, { ...same, packet: { ...PACKET, port: 81 } });
  assert.ok(none.kind === "not bounded" && none.good === undefined && none.bad?.length === 1);
});

Deno.test("of two Services with the same endpoints, the one that has the frontend counts", () => {
  const shared = (born: string, name: string) => service(`shop/${name} 10.96.0.9 http:80/tcp`, born);
  const endpoints = ["old", "new"].map((name) => appears(slice(`shop/${name}-a http:8080/tcp 10.244.0.1`)));
  const past = committedPast([
    [
      appears(shared("2026-01-01T00:00:00Z", "old")),
      appears(shared("2026-02-01T00:00:00Z", "new")),
      ...endpoints,
    ],
    [vanishes(shared("2026-01-01T00:00:00Z", "old"))],
  ]);
  const packet = readPacket("10.244.9.9", "10.96.0.9:80/tcp") as Packet;
  const [flip] = packetFlips(past, 3, 6, { packet, expected: { kind: "same" } });
  assert.deepEqual(flip?.before, flip?.after);
  assert.equal(flip?.cause.what, "Service shop/old (deleted)");
});
