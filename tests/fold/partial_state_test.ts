// A part of a state, from a snapshot of which no other lines are read.

import assert from "node:assert/strict";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { partialState, snapshotObject, stateLine } from "../../src/fold/partial_state.ts";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import type { ObjectKind } from "../../src/kube/objects.ts";
import type { ServiceName } from "../../src/kube/service_name.ts";
import type { ConfigRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, nodeIn, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import { linesOf } from "../support/ordered_lines.ts";

const CONFIG: ConfigRecord = {
  kind: "config",
  time: "2026-01-01T00:00:00.000Z",
  version: "0",
  nodeName: "node-a",
};
const NAMES = Array.from({ length: 200 }, (_, i) => `shop/s${i}` as ServiceName);
const RECORDS: LedgerRecord[] = [
  CONFIG,
  appears(nodeIn("node-a", "zone-a")),
  ...NAMES.flatMap((name, i) => [
    appears(slice(`${name}-b http:8080/tcp 10.244.${i}.2`)),
    appears(service(`${name} 10.96.0.${i} http:80/tcp`)),
    appears(slice(`${name}-a http:8080/tcp 10.244.${i}.1 10.244.${i}.3`)),
  ]),
];
const key = (kind: ObjectKind, namespace: string, name: string) => ({ kind, namespace, name });

Deno.test("a part has its Services as the whole state has them, and the records behind the snapshot that are about them", () => {
  const whole = folded(...RECORDS);
  const lines = linesOf(whole);
  const behind = [
    appears(slice("shop/s7-a http:8080/tcp 10.244.7.9")),
    appears(slice("shop/s9-a http:8080/tcp 10.244.9.9")),
    vanishes(slice("shop/s7-b http:8080/tcp")),
    appears(service("shop/late 10.97.0.1 http:80/tcp")),
  ].map((record, i) => ({ offset: whole.folded + 1 + i as Offset, record }));
  const partial = partialState(lines, new Set([NAMES[7]!]), behind, 2)!;
  for (const { offset, record } of behind) foldRecord(whole, offset, record);
  const { state } = partial;
  assert.deepEqual([...state.services.keys()].sort(), ["shop/late", "shop/s7"]);
  assert.equal(state.folded, whole.folded);
  for (const name of ["shop/late", "shop/s7"] as ServiceName[]) {
    assert.deepEqual(state.programs.get(name), whole.programs.get(name));
  }
  for (const [path, elements] of state.desired) {
    for (const [key, element] of elements) {
      if (element.comment === undefined) continue;
      assert.deepEqual(element, whole.desired.get(path)!.get(key));
      assert.equal(state.causes.get(path)!.get(key), whole.causes.get(path)!.get(key), `cause of ${key}`);
    }
  }
  assert.equal(
    partialState(lines, new Set([NAMES[7]!]), behind, 1),
    undefined,
    "two Services are more than one",
  );
});

Deno.test("the lines of a snapshot are found by what they are about", () => {
  const state = folded(...RECORDS);
  const lines = linesOf(state);
  assert.equal(stateLine(lines)!.nodeName, "node-a");
  for (const object of state.objects.values()) {
    const { namespace = "", name } = object.metadata;
    assert.deepEqual(snapshotObject(lines, key(object.kind, namespace, name)), object);
  }
  for (const name of ["s", "s2000", "t", ""]) {
    assert.equal(snapshotObject(lines, key("Service", "shop", name)), undefined);
  }
});

Deno.test("a snapshot says the newest version of each kind, and which Services claim what others claim", () => {
  const versioned = (object: ReturnType<typeof service>, resourceVersion: string) =>
    appears({ ...object, metadata: { ...object.metadata, resourceVersion } });
  const state = folded(
    CONFIG,
    versioned(
      service("shop/one 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", { externalIPs: ["198.51.100.1"] }),
      "9",
    ),
    versioned(
      service("shop/two 10.96.0.2 http:80/tcp", "2026-01-02T00:00:00Z", { externalIPs: ["198.51.100.1"] }),
      "10",
    ),
    versioned(service("shop/three 10.96.0.3 http:80/tcp"), "3"),
    appears(slice("shop/one-b http:8080/tcp 10.244.0.1")),
    appears(slice("shop/one-a http:8080/tcp 10.244.0.2")),
  );
  const lines = linesOf(state);
  assert.deepEqual(stateLine(lines)!.versions, [["Service", 10]]);
  while (!lines.isParsed) lines.parsePiece();
  const slots = lines.lines.filter((line): line is SnapshotLine & { kind: "slots" } => line.kind === "slots");
  assert.deepEqual(
    slots.map(({ service, slices, contested }) => [service, slices, contested]),
    [["shop/one", ["one-a", "one-b"], true], ["shop/three", [], undefined], ["shop/two", [], true]],
  );
});

Deno.test("only a change that follows from a Service's own objects can be made without the whole state", () => {
  const change = (name: string, text: string): boolean => {
    const whole = folded(...RECORDS, appears(slice("shop/s5-a http:8080/tcp 10.244.5.1@node-a")));
    const partial = partialState(linesOf(whole), new Set([name as ServiceName]), [], 9)!;
    return partial.change(whole.folded + 1 as Offset, appears(slice(text)), noChanges());
  };
  assert.ok(change("shop/s3", "shop/s3-a http:8080/tcp 10.244.3.7"));
  assert.ok(change("shop/s3", "shop/s3-a http:8080/tcp"));
  assert.ok(
    !change("shop/s3", "shop/s3-a http:8080/tcp 10.244.3.7@node-a"),
    "other Services may have this endpoint too",
  );
  assert.ok(!change("shop/s5", "shop/s5-a http:8080/tcp 10.244.5.1"), "other Services may still have it");
  assert.ok(!change("shop/s3", "shop/none-a http:8080/tcp 10.244.3.7"), "a Service that is not known");
});
