// The text that `bisect` prints.

import assert from "node:assert/strict";
import { flipLines, notBoundedLines } from "../../src/history/bisect_words.ts";
import { bisectPacket, parseExpectation } from "../../src/history/packet_bisect.ts";
import type { Expectation } from "../../src/history/packet_bisect.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import type { Outcome, Packet } from "../../src/history/trace.ts";
import { committedPast, secondsOf, timeAt } from "../support/past.ts";

const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;

Deno.test("a commit is printed with its cause, its changes and the outcomes on both sides", () => {
  const expected = parseExpectation(PACKET, "endpoint") as Expectation;
  const answer = bisectPacket(committedPast(), 2, 6, { packet: PACKET, expected });
  assert.ok(answer.kind === "found");
  const lines = flipLines(PACKET, answer.flip, secondsOf);
  assert.deepEqual(lines.slice(0, 2), [
    "the first bad commit is @6  03",
    "  by @5 EndpointSlice shop/web-a (deleted), resourceVersion 103, arrived 03",
  ]);
  assert.deepEqual(lines.slice(2, -4).map((line) => /^ {4}[+-] .* by @5$/.test(line)), [true, true]);
  assert.deepEqual(lines.slice(-4), [
    "  before",
    "    to 10.244.0.2:8080",
    "  after",
    "    refused with a TCP reset",
  ]);
  assert.match(flipLines(PACKET, { ...answer.flip, holds: true }, secondsOf)[0]!, /^good again @6/);
  const changes = Array.from({ length: 3000 }, () => answer.flip.changes[0]!);
  const many = flipLines(PACKET, { ...answer.flip, changes }, secondsOf);
  assert.deepEqual([many.length, many.at(-5)], [15, "    and 2,992 more changes: --json has them"]);
});

Deno.test("without a search the side that is not as expected is printed, then drift in between", () => {
  const [destination, port] = [PACKET.destination, 80];
  const outcome: Outcome = { kind: "drop", destination, port, masqueraded: false, probability: 1 };
  const drift = {
    kind: "drift",
    time: timeAt(7),
    process: "nft",
    pid: 7,
    changes: ["flush"],
    response: "put back",
  } as const;
  const question = { packet: PACKET, good: 2, bad: 6, expect: "endpoint" };
  const offset = [...committedPast().records()][3]!.offset;
  const answer = { kind: "not bounded", good: [outcome], drift: [{ offset, record: drift }] } as const;
  assert.deepEqual(notBoundedLines(question, answer, secondsOf), [
    "GOOD, @2, is not as expected (--expect endpoint): dropped, without an answer",
    "between the two positions our tables were changed: @3 07 nft (process 7): flush; put back",
  ]);
  assert.deepEqual(notBoundedLines(question, { kind: "not bounded", bad: [outcome], drift: [] }, secondsOf), [
    "BAD, @6, is as expected (--expect endpoint): dropped, without an answer",
    "where it went wrong and is right again: --all prints each change, or name an earlier BAD",
  ]);
  const bad = Array.from(
    { length: 3000 },
    (_, i): Outcome => ({ ...outcome, port: i, probability: 1 / 3000 }),
  );
  const [many] = notBoundedLines(question, { kind: "not bounded", bad, drift: [] }, secondsOf);
  assert.match(many!, /: (0\.03 % {2}dropped, without an answer, ){8}and 2,992 more$/);
});
