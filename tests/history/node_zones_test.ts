// The zones of nodes at any time, before and after the position that was begun with, by the moves that the journal has.

import assert from "node:assert/strict";
import { changesAbout, filterOf } from "../../src/history/changes_log.ts";
import { stateToRead } from "../../src/history/journal_reading.ts";
import { NodeZones } from "../../src/history/node_zones.ts";
import { appears, nodeIn, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

const WEB = (addresses: string) => appears(slice(`shop/web-a http:8080/tcp ${addresses}`));

/** node-b moves from z1 to z2; node-c is deleted and comes back elsewhere; node-d goes before its endpoint does. */
const PAST = committedPast([
  [appears(service("shop/web 10.96.0.1 http:80/tcp"))], // 0, committed by 1
  [appears(nodeIn("node-b", "z1")), appears(nodeIn("node-c", "z1")), appears(nodeIn("node-d", "z1"))], // 2 3 4
  [WEB("10.0.0.1@node-b 10.0.0.2@node-c 10.0.0.3@node-d")], // 5
  [appears(nodeIn("node-b", "z2")), vanishes(nodeIn("node-c", "z1")), vanishes(nodeIn("node-d", "z1"))], // 7 8 9
  [WEB("10.0.0.4@node-b")], // 10
  [appears(nodeIn("node-c", "z3")), WEB("10.0.0.4@node-b 10.0.0.5@node-c")], // 12 13
]);
const LAST = 14;

Deno.test("a node has the zone of the time asked about, whatever position the question began with", () => {
  for (const begin of [1, 6, 8, LAST]) {
    const at = (node: string, offsets: readonly number[]) => {
      const zones = new NodeZones(PAST, begin, stateToRead(PAST, begin));
      const found = offsets.map((offset) => zones.zoneAt(node, offset));
      assert.deepEqual(offsets.toReversed().map((offset) => zones.zoneAt(node, offset)), found.toReversed());
      return found.join(" ");
    };
    assert.equal(at("node-b", [2, 6, 7, 14]), "z1 z1 z2 z2", `begun at @${begin}`);
    assert.equal(at("node-c", [5, 9, 11, 12]), "z1 z1 z1 z3", `begun at @${begin}`);
    assert.equal(at("node-d", [4, 14]), "z1 z1", `begun at @${begin}: the last zone counts on`);
    assert.equal(at("node-e", [0, 14]), " ", `begun at @${begin}`);
  }
});

Deno.test("the changes in a zone are those of nodes that were there then", () => {
  const inZone = (zone: string, through = LAST) =>
    [...changesAbout(PAST, through, filterOf({ kind: "zone", zone }, PAST, LAST))]
      .flatMap(({ entry: { offset, endpoints } }) => endpoints.map(({ address }) => `${offset} ${address}`));
  assert.deepEqual(inZone("z1"), ["10 10.0.0.2", "10 10.0.0.3", "5 10.0.0.1", "5 10.0.0.2", "5 10.0.0.3"]);
  assert.deepEqual(inZone("z2"), ["10 10.0.0.1", "10 10.0.0.4"]);
  assert.deepEqual(inZone("z3"), ["13 10.0.0.5"]);
  assert.deepEqual(inZone("z1", 6), ["5 10.0.0.1", "5 10.0.0.2", "5 10.0.0.3"]);
});
