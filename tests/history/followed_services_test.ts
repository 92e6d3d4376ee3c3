// What is followed is what a look at every Service finds, and only what a record can have changed is read again.

import assert from "node:assert/strict";
import fc from "fast-check";
import { directoryOf } from "../../src/history/directory.ts";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { FollowedServices } from "../../src/history/followed_services.ts";
import { stateToRead } from "../../src/history/journal_reading.ts";
import { findSubject, isNameProblem, type Subject } from "../../src/history/names.ts";
import type { Past } from "../../src/history/past.ts";
import { servicesAbout } from "../../src/history/services_about.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import type { EventRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";

/** A Node, whose zone decides that of endpoints. */
function node(name: string, zone: string): EventRecord {
  return appears({
    kind: "Node",
    metadata: { name, labels: { "topology.kubernetes.io/zone": zone } },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  });
}

/** What follows after each of so many records is what is there then. */
function assertFollows(past: Past, last: number, subject: Subject | undefined): void {
  const followed = new FollowedServices(past);
  for (let offset = 0; offset <= last; offset++) {
    const state = stateToRead(past, offset);
    assert.deepEqual(followed.at(state, subject), servicesAbout(past, state, subject), `@${offset}`);
  }
}

const SUBJECTS: readonly (Subject | undefined)[] = [
  undefined,
  { kind: "node", node: "node-a", addresses: [] },
  { kind: "namespace", namespace: "a" },
];

Deno.test("what is followed is what is there after each record, with conflicts, deletions and Nodes", () => {
  const nodes = fc.constantFrom(node("node-a", "zone-1"), node("node-a", "zone-2"));
  const events = fc.tuple(arbitraryHistory, fc.array(nodes, { maxLength: 3 })).map(([some, others]) =>
    others.reduce((all, one, i) => all.toSpliced(1 + i * 5, 0, one), some)
  );
  fc.assert(
    fc.property(events, fc.constantFrom(...SUBJECTS), (events, subject) => {
      const config: LedgerRecord = { kind: "config", time: timeAt(0), version: "1", nodeName: "node-a" };
      assertFollows(pastOf([config, ...events]), events.length, subject);
    }),
    { numRuns: 60 },
  );
});

Deno.test("a Service by name is followed too, with since when its endpoints get traffic", () => {
  const web = (address: string) => appears(slice(`shop/web-a http:8080/tcp 10.244.0.1 ${address}`));
  const past = committedPast([
    [appears(service("shop/web 10.96.0.1 http:80/tcp")), web("10.244.0.2")],
    [web("10.244.0.3")],
    [web("10.244.0.2")],
  ]);
  const found = findSubject(directoryOf(stateToRead(past, 1)), "web");
  assert.ok(!isNameProblem(found));
  assertFollows(past, 6, found);
});

Deno.test("a Service that no record changed is not read again, and without a change the list is the same", () => {
  const names = ["one", "two", "three"];
  const past = pastOf([
    ...names.map((name, i) => appears(service(`shop/${name} 10.96.0.${i + 1} http:80/tcp`))),
    appears(slice("shop/two-a http:8080/tcp 10.244.0.1")),
    { kind: "gap", time: timeAt(9), reason: "a fault", records: 0 },
  ]);
  const followed = new FollowedServices(past);
  const at = (offset: number) => followed.at(stateToRead(past, offset), undefined);
  const [before, after] = [at(2), at(3)];
  assert.deepEqual(after.map((one) => before.includes(one)), [true, true, false]);
  assert.equal(after.find(({ service }) => service === "shop/two")?.ready, 1);
  assert.equal(at(4), after);
});

Deno.test("what is written while a change is looked at is looked at the next time", () => {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const web = (address: string) =>
    void writer.append([appears(slice(`shop/web-a http:8080/tcp ${address}`))]);
  writer.append([appears(service("shop/web 10.96.0.1 http:80/tcp"))]);
  web("10.244.0.1");
  const view = ledgerView<SnapshotLine>(storage, snapshotMisfit);
  let meanwhile: (() => void) | undefined;
  const past: Past = {
    ...view,
    segments: () => {
      meanwhile?.();
      meanwhile = undefined;
      return view.segments();
    },
  };
  const followed = new FollowedServices(past);
  followed.at(stateToRead(past, 1), undefined);
  web("10.244.0.2");
  const state = stateToRead(past, 2);
  meanwhile = () => web("10.244.0.3");
  followed.at(state, undefined);
  const [now] = followed.at(stateToRead(past, 3), undefined);
  assert.deepEqual([now?.changed?.offset, now?.endpoints.map(({ endpoint }) => endpoint)], [3, [
    "10.244.0.3:8080",
  ]]);
});
