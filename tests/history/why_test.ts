// The path of a packet, with the cause of each element.

import assert from "node:assert/strict";
import { readPacket } from "../../src/history/packet_words.ts";
import { stateAt } from "../../src/history/past.ts";
import type { Packet } from "../../src/history/trace.ts";
import { pathOf } from "../../src/history/why.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast, SHRINKING } from "../support/past.ts";

const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;

Deno.test("each element on the path has its cause, at that position", () => {
  const past = committedPast();
  const endpointsAt = (offset: number) =>
    pathOf(stateAt(past, offset), PACKET).steps.flatMap(({ found }) => found)
      .filter(({ set }) => /endpoints$/.test(set)).map(({ value, cause }) => [value, cause?.offset]);
  assert.deepEqual(
    new Set(endpointsAt(2).map(String)),
    new Set(["10.244.0.1 . 8080,1", "10.244.0.2 . 8080,1"]),
  );
  assert.deepEqual(new Set(endpointsAt(4).map(String)), new Set(["10.244.0.2 . 8080,3"]));
  const { at, outcomes } = pathOf(stateAt(past, 6), PACKET);
  assert.equal(at, 6);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["tcp-reset"]);
});

Deno.test("a Service that claims the frontend of another is a rival", () => {
  const both = { externalIPs: ["198.51.100.7"] };
  const old = service("shop/old 10.96.1.1 http:80/tcp", "2026-01-01T00:00:00Z", both);
  const young = service("shop/young 10.96.1.2 http:80/tcp", "2026-01-02T00:00:00Z", both);
  const past = committedPast([...SHRINKING, [appears(young), appears(old)]]);
  const packet = readPacket("192.0.2.1", "198.51.100.7:80/tcp") as Packet;
  const { rivals } = pathOf(stateAt(past, 9), packet);
  assert.equal(rivals.length, 1);
  assert.match(rivals[0]!, /shop\/young wants .*shop\/old, the oldest, keeps it/);
  assert.deepEqual(pathOf(stateAt(past, 9), PACKET).rivals, []);
});

Deno.test("outcomes that are equally likely come in one order, whichever slice was first", () => {
  const slices = ["shop/web-a http:8080/tcp 10.244.0.1", "shop/web-b http:8081/tcp 10.244.0.1"];
  const portsOf = (order: readonly string[]) => {
    const events = [service("shop/web 10.96.0.1 http:80/tcp"), ...order.map((text) => slice(text))];
    return pathOf(stateAt(committedPast([events.map((object) => appears(object))]), 3), PACKET).outcomes
      .map((outcome) => outcome.port);
  };
  assert.deepEqual([portsOf(slices), portsOf(slices.toReversed())], [[8080, 8081], [8080, 8081]]);
});
