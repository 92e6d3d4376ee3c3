// All questions as one object: positions as text, and the answer of each question.

import assert from "node:assert/strict";
import { historyOf } from "../../src/history/history.ts";
import { WrongName } from "../../src/history/names.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import { isWrongPosition, stateAt } from "../../src/history/past.ts";
import type { Packet } from "../../src/history/trace.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";
import { committedPast, timeAt } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const LEDGER = historyOf(committedPast());
const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;

Deno.test("a position is text or already parsed, and HEAD where it is left out", () => {
  const positions = ["@4", "HEAD~1", timeAt(2), { kind: "offset", offset: 4 }] as const;
  assert.deepEqual(positions.map((position) => LEDGER.offsetOf(position)), [4, 3, 3, 4]);
  assert.equal(LEDGER.offsetOf(), 6);
  for (const wrong of ["@7", "noon", "HEAD~9"]) {
    assert.throws(() => LEDGER.at(wrong), isWrongPosition, wrong);
    assert.throws(() => LEDGER.why(PACKET, wrong), isWrongPosition, wrong);
  }
});

Deno.test("rules at a position have the elements, the causes and the records of that position", () => {
  const rules = LEDGER.at("@4");
  const [set, key] = [
    setPath("ip", "ledgerproxy", "single-endpoints"),
    elementKey(["10.96.0.1", "tcp", "80"]),
  ];
  assert.equal(rules.offset, 4);
  assert.equal(rules.ruleset.elements.get(set)?.get(key)?.value, "10.244.0.2 . 8080");
  assert.equal(rules.cause(set, key)?.offset, 3);
  assert.equal(rules.record(4)?.record.kind, "commit");
  assert.deepEqual(LEDGER.diff(rules, "@4"), [], "rules are a side of a comparison too");
});

Deno.test("every question is answered", () => {
  const expected = (outcome: { readonly kind: string }) => outcome.kind === "deliver";
  assert.equal([...LEDGER.log({ kind: "event" })].length, 4);
  assert.equal(LEDGER.show("@3").commit?.offset, 4);
  assert.equal([...LEDGER.blame("shop/web:http", "@4")].length, 1);
  assert.ok(LEDGER.diff("@2", "HEAD").length > 0);
  assert.equal(LEDGER.why(PACKET).outcomes[0]?.kind, "tcp-reset");
  assert.equal(LEDGER.bisect("@2", "HEAD", { packet: PACKET, expected }).kind, "found");
  assert.equal([...LEDGER.flips("@2", "HEAD", { packet: PACKET, expected })].length, 1);
  assert.deepEqual(LEDGER.verify().problems, []);
  assert.equal(LEDGER.verify().ledger, LEDGER.id());
  assert.equal(LEDGER.first(), 0);
  const web = stateAt(committedPast(), 2).state.objects.get("Service shop/web")!;
  assert.deepEqual(LEDGER.plan({ objects: [web] }).objects.map(({ verb }) => verb), ["stays"]);
  const ready = { kind: "ready", name: "web", service: "shop/web", ready: 1, zone: undefined } as const;
  assert.deepEqual(LEDGER.check([ready], { until: "@4" }).map(({ holds }) => holds), [true]);
  assert.deepEqual(LEDGER.check([ready]).map(({ holds }) => holds), [false]);
  let steps = 0;
  assert.equal(LEDGER.replay("HEAD", () => steps++).commits, 3);
  assert.equal(steps, 7);
});

Deno.test("a packet is made of names, and a wrong name says which are near", () => {
  const { source, destination, protocol, port } = LEDGER.packet("10.244.9.9", "web");
  assert.deepEqual({ source, destination, protocol, port }, PACKET);
  for (
    const [target, message] of [["shop/wbe", /^shop\/wbe: .*\n {2}shop\/web$/s], [
      "10.96.0.1",
      /it must be ADDRESS/,
    ]] as const
  ) {
    assert.throws(
      () => LEDGER.packet("10.244.9.9", target),
      (error) => error instanceof WrongName && message.test(error.message),
    );
  }
});

Deno.test("Services, status, outages, latency, what was busy and what changed are questions of a ledger", () => {
  const history = historyOf(webPast());
  assert.deepEqual(history.services().map(({ service, ready }) => [service, ready]), [["shop/cart", 0], [
    "shop/web",
    2,
  ]]);
  assert.deepEqual(history.services("node-b", "@4").map(({ service }) => service), ["shop/web"]);
  assert.equal(history.services("web", timeAt(3))[0]?.ready, 0);
  assert.equal(history.status("@6").committed, 5);
  assert.deepEqual(history.outages({ until: "@8" }).map(({ from, to }) => [from?.offset, to?.offset]), [[
    6,
    8,
  ]]);
  assert.equal(history.latency({ since: "@8" }, "shop/cart").stages[1]?.count, 1);
  assert.deepEqual(history.top({}, 1).services.map(({ service }) => service), ["shop/web"]);
  assert.deepEqual([...history.changes("node-a")].map(({ entry }) => entry.offset), [7, 3, 1]);
  assert.equal([...history.changes(undefined, { until: "@5" })].length, 4);
  assert.deepEqual([...history.changes("node-a", { since: "@3" })].map(({ entry }) => entry.offset), [7]);
  for (
    const ask of [
      () => history.services("wbe"),
      () => history.outages({}, "shop/wbe"),
      () => history.latency({}, "wbe"),
      () => history.changes("shop/wbe"),
    ]
  ) {
    assert.throws(ask, (error) => error instanceof WrongName && /shop\/web/.test(error.message));
  }
});

Deno.test("a Service of outages, latency and changes is named as on a command line, also one that is gone", () => {
  const history = historyOf(webPast());
  const through = { until: "@8" };
  for (const name of ["web", "shop/web", "web:http", "shop/web:80/tcp"]) {
    assert.deepEqual(history.outages(through, name), history.outages(through), name);
    assert.deepEqual(history.latency({}, name), history.latency({}, "shop/web"), name);
  }
  assert.deepEqual(history.outages({}, "shop/cart"), history.outages({}, "cart"));
  assert.throws(() => history.outages({}, "node-a"), WrongName, "a node has no outages");
  const gone = service("shop/gone 10.96.0.9 http:80/tcp");
  const later = historyOf(committedPast([[appears(gone)], [vanishes(gone)]]));
  assert.deepEqual([...later.changes("shop/gone")].map(({ entry }) => entry.offset), [2, 0]);
  assert.deepEqual(later.outages({}, "shop/gone"), later.outages());
});
