// The own node: its values stay in force while its Node object is deleted or has none yet, also after a snapshot. New values
// act at once.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClusterState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import type { Node } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { diff } from "../../src/plan/delta.ts";
import { appears, lines, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import { config, node } from "../support/own_node.ts";

const WHOLE = node("1 192.0.2.10 zone-1 10.244.1.0/24");
const HINTED = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.1");
const CLUSTER: LedgerRecord[] = [
  appears(service("shop/web 10.96.0.1 http:80/tcp")),
  appears({
    ...HINTED,
    endpoints: HINTED.endpoints.map((one, i) => ({
      ...one,
      hints: { forZones: [{ name: `zone-${i + 1}` }] },
    })),
  }),
];

function throughSnapshot(state: ClusterState): ClusterState {
  return restoredState(
    [...snapshotLines(state)].map((line) => JSON.parse(JSON.stringify(line)) as SnapshotLine),
  );
}

function assertSameRules(state: ClusterState, standing: ClusterState): void {
  assert.deepEqual(lines(state.desired), lines(standing.desired));
  assert.deepEqual(state.tables, standing.tables);
}

const WAYS: readonly [string, readonly LedgerRecord[]][] = [
  ["is deleted", [vanishes(WHOLE)]],
  ["is made again and says nothing yet", [vanishes(WHOLE), appears(node("2 - - -"))]],
  ["has no address any more", [appears(node("1 - - 10.244.1.0/24"))]],
  ["was made again between two lists", [appears(node("2 - - -"))]],
  ["is made again, and gets its pod CIDRs later", [
    vanishes(WHOLE),
    appears(node("2 192.0.2.10 zone-1 -")),
    appears({
      ...node("2 192.0.2.10 zone-1 -"),
      metadata: { ...WHOLE.metadata, uid: "2", resourceVersion: "9" },
    }),
  ]],
  ["has only addresses and CIDRs that are not valid", [appears(node("2 127.0.0.1 zone-1 10.244/24"))]],
  ["goes by a name that is no Node's", [config("node-x")]],
];

for (const [way, records] of WAYS) {
  Deno.test(`a Node that ${way} leaves the rules as they were, behind a snapshot too`, () => {
    const standing = folded(config(), appears(WHOLE), ...CLUSTER);
    const state = folded(config(), appears(WHOLE), ...CLUSTER, ...records);
    assertSameRules(state, standing);
    assertSameRules(throughSnapshot(state), standing);
  });
}

Deno.test("a Node that is created again with other addresses, zone and pod CIDRs has the new ones", () => {
  const other = node("2 192.0.2.99 zone-2 10.244.9.0/24");
  const state = folded(config(), appears(WHOLE), ...CLUSTER, vanishes(WHOLE), appears(other));
  assertSameRules(state, folded(config(), appears(other), ...CLUSTER));
  assertSameRules(throughSnapshot(state), folded(config(), appears(other), ...CLUSTER));
});

Deno.test("a snapshot of an earlier version, without the deleted Node, is read", () => {
  const state = folded(config(), appears(WHOLE), ...CLUSTER, vanishes(WHOLE));
  const earlier = [...snapshotLines(state)].map((line) => {
    const { knownNode: _, ...rest } = line as SnapshotLine & { knownNode?: Node };
    return rest as SnapshotLine;
  });
  const restored = restoredState(earlier);
  assert.deepEqual([restored.node.addresses, restored.nodeDeleted], [[], true]);
  foldRecord(restored, 9 as Offset, appears(WHOLE));
  assert.deepEqual([restored.node.addresses, restored.nodeDeleted], [["192.0.2.10"], false]);
});

Deno.test("fold(all) = fold(snapshot + tail) after any history of the Node", () => {
  const uid = fc.constantFrom("1", "2");
  const event = fc.tuple(
    uid,
    fc.constantFrom("-", "192.0.2.10", "192.0.2.99"),
    fc.constantFrom("-", "zone-1", "zone-2"),
    fc.constantFrom("-", "10.244.1.0/24", "10.244.2.0/24"),
  ).map((words) => appears(node(words.join(" "))));
  const record = fc.oneof(
    { weight: 6, arbitrary: event },
    { weight: 2, arbitrary: fc.constant(vanishes(WHOLE)) },
    { weight: 1, arbitrary: fc.constantFrom("node-a", "node-b", "").map((name) => config(name)) },
  );
  fc.assert(fc.property(fc.array(record, { maxLength: 12 }), fc.nat(), (records, chance) => {
    const all = [config(), ...CLUSTER, ...records];
    const at = chance % all.length;
    const restored = throughSnapshot(folded(...all.slice(0, at + 1)));
    all.slice(at + 1).forEach((one, i) => foldRecord(restored, (at + 1 + i) as Offset, one));
    const whole = folded(...all);
    assert.deepEqual(diff(whole.desired, restored.desired), []);
    assert.deepEqual([restored.tables, restored.node], [whole.tables, whole.node]);
    assert.deepEqual([...snapshotLines(restored)], [...snapshotLines(whole)]);
  }));
});
