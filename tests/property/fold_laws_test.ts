// Laws of the fold for random histories of a small cluster, some of them checked with the fake kernel.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { advanceDigest, digestText, rulesetDigest, tablesDigest } from "../../src/plan/digest.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { CONTAINERS, skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { describeKey } from "../../src/kube/objects.ts";
import type { EventRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { separated } from "../../src/nft/objects.ts";
import type { ElementKey, SetPath } from "../../src/nft/ruleset.ts";
import { applyDelta, type Delta, diff, type MutableElements } from "../../src/plan/delta.ts";
import { elementOperations, plan, type Touched } from "../../src/plan/plan.ts";
import {
  restoredState,
  type SnapshotLine,
  snapshotLines,
  type SnapshotState,
  snapshotState,
} from "../../src/fold/snapshot.ts";
import { lead } from "../../src/fold/leads.ts";
import { SLOT_CLASSES } from "../../src/fold/slots.ts";
import { arbitraryHistory as history } from "../support/arbitrary_history.ts";
import { meaning } from "../support/meaning.ts";
import { keyed } from "../support/keyed.ts";

const TABLES = skeleton(DEFAULT_PROXY_CONFIG);
const CONFIG = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;

function folded(records: readonly LedgerRecord[]): ClusterState {
  const state = emptyState();
  [CONFIG, ...records].forEach((record, offset) => foldRecord(state, offset as Offset, record));
  return state;
}

Deno.test("any order of events that keeps the order for each object gives the same rules, except for slot numbers", () => {
  fc.assert(fc.property(history, fc.infiniteStream(fc.nat()), (records, random) => {
    const queues = new Map<string, EventRecord[]>();
    for (const record of records) {
      const key = describeKey(record.key);
      queues.set(key, [...queues.get(key) ?? [], record]);
    }
    const shuffled: EventRecord[] = [];
    while (queues.size > 0) {
      const keys = [...queues.keys()];
      const key = keys[random.next().value! % keys.length]!;
      shuffled.push(queues.get(key)!.shift()!);
      if (queues.get(key)!.length === 0) queues.delete(key);
    }
    assert.deepEqual(meaning(folded(shuffled).desired), meaning(folded(records).desired));
  }));
});

Deno.test("only the last event of each object decides the rules, except for slot numbers", () => {
  fc.assert(fc.property(history, (records) => {
    const last = new Map(records.map((record) => [describeKey(record.key), record]));
    assert.deepEqual(meaning(folded([...last.values()]).desired), meaning(folded(records).desired));
  }));
});

function keysOf(delta: Delta): Touched {
  const keys = new Map<SetPath, Map<ElementKey, number>>();
  for (const { set, key } of delta) keys.set(set, (keys.get(set) ?? new Map()).set(key, 0));
  return keys;
}

Deno.test("changes planned in batches of any size bring kernel, mirror and digest to the desired rules", () => {
  fc.assert(fc.property(history, fc.integer({ min: 1, max: 7 }), (records, batch) => {
    using kernel = new FakeKernel();
    kernel.commit(TABLES.flatMap(createTable));
    const state = folded([]);
    const committed: MutableElements = new Map();
    let digest = tablesDigest(TABLES);
    let changes = noChanges();
    records.forEach((record, i) => {
      foldRecord(state, (i + 1) as Offset, record, changes);
      if (i % batch !== 0 && i < records.length - 1) return;
      // Chains that are not wanted any more are emptied by one commit and deleted by the next.
      for (let touched: Touched = changes.touched, delta: Delta; touched.size > 0; touched = keysOf(delta)) {
        delta = plan(committed, state.desired, touched);
        kernel.commit(elementOperations(delta, CONTAINERS));
        applyDelta(committed, delta);
        digest = advanceDigest(digest, delta);
      }
      changes = noChanges();
      const held = separated(kernel.list(TABLES));
      assert.deepEqual(diff(held.elements, state.desired), []);
      assert.deepEqual(diff(committed, state.desired), []);
      assert.equal(digestText(rulesetDigest(held.tables, held.elements)), digestText(digest));
    });
  }));
});

/** The slot class of a lead to endpoints of all nodes; undefined for any other lead. */
function slotClassOf(value: string): number | undefined {
  return SLOT_CLASSES.find((slotClass) =>
    value === lead("cluster", slotClass) || value === lead("external", slotClass)
  );
}

Deno.test("each frontend that leads to a pick chain has the slots that are always filled, so no connection is lost", () => {
  fc.assert(fc.property(history, (records) => {
    const { desired } = folded(records);
    for (const family of ["ip", "ip6"]) {
      const slots = desired.get(`${family} ledgerproxy endpoints` as never)!;
      for (const { key, value } of desired.get(`${family} ledgerproxy service-ips` as never)!.values()) {
        const slotClass = slotClassOf(value!);
        if (slotClass === undefined) continue;
        const filled = [...slots.keys()].filter((slot) => slot.startsWith(`${key} . `)).length;
        assert.ok(filled > slotClass / 4 && filled <= slotClass, `${key}: ${filled} of ${slotClass}`);
        for (let slot = 0; slot < filled; slot++) assert.ok(slots.has(`${key} . ${slot}` as never));
      }
    }
  }));
});

Deno.test("fold(all) = fold(snapshot + tail), with the snapshot at any offset", () => {
  const asFile = (state: SnapshotState) =>
    [...snapshotLines(state)].map((line) => JSON.parse(JSON.stringify(line)) as SnapshotLine);
  const slicesOf = ({ slices }: ClusterState) =>
    new Map([...slices].map(([name, owned]) => [name, new Map(owned)]));
  const counts = ({ withoutLocal }: ClusterState) =>
    [...withoutLocal].filter(([, count]) => count > 0).sort();
  fc.assert(fc.property(history, fc.nat(), (events, chance) => {
    const records: LedgerRecord[] = [CONFIG, ...events];
    const whole = folded(events);
    const at = chance % records.length;
    const state = emptyState();
    records.slice(0, at + 1).forEach((record, offset) => foldRecord(state, offset as Offset, record));
    const restored = restoredState(asFile(state));
    const [kept, now] = [snapshotState(state), asFile(state)];
    assert.deepEqual(asFile(restored), now, "the same snapshot again");
    for (const one of [restored, state]) {
      records.slice(at + 1).forEach((record, i) => foldRecord(one, at + 1 + i as Offset, record));
    }
    assert.deepEqual(asFile(kept), now, "what is kept for a snapshot stays as it was");
    assert.deepEqual(diff(whole.desired, restored.desired), []);
    assert.deepEqual(asFile(restored), asFile(whole));
    for (
      const part of [
        "contested",
        "titles",
        "leftOut",
        "omitted",
        "healthChecks",
        "serviceCIDRs",
      ] as const
    ) {
      assert.deepEqual(restored[part], whole[part], part);
    }
    assert.deepEqual(keyed(restored.causes), keyed(whole.causes));
    assert.deepEqual(new Map(restored.claims), new Map(whole.claims));
    assert.deepEqual(slicesOf(restored), slicesOf(whole));
    assert.deepEqual(counts(restored), counts(whole));
    assert.deepEqual(restored.tables, whole.tables);
  }));
});
