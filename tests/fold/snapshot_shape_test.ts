// A file with the right hash that no version of this program wrote is not used as a snapshot: line and field are named.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { SLOT_CLASSES } from "../../src/fold/slots.ts";
import { fields, listOf, misfitText, oneOf, TEXT, that, tuple } from "../../src/kube/shape.ts";
import { PLACE as PLACE_SHAPE } from "../../src/kube/stored_shapes.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { encodeSnapshot, newestSnapshot, readSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { ID } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { wrongShapes } from "../support/wrong_shapes.ts";

const PLACE = { ledger: ID, next: 4, chain: "ab".repeat(32), age: { milliseconds: 0 } };

const state = emptyState();
[
  appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.0.2@node-b")),
  appears(service("shop/web 10.96.0.1 http:80/tcp")),
].forEach((record, i) => foldRecord(state, i as Offset, record));
state.aside.set("shop/bad" as never, "the kernel refuses it");
const LINES = JSON.parse(JSON.stringify([...snapshotLines(state)])) as SnapshotLine[];

Deno.test("a wrong field in any line makes the snapshot unusable or does no harm", () => {
  let [found, harmless] = [0, 0];
  for (const [i, line] of LINES.entries()) {
    for (const { path, value } of wrongShapes(line)) {
      const storage = memoryStorage();
      const lines = LINES.with(i, value as SnapshotLine);
      storage.files.set(snapshotName(4), encodeSnapshot(PLACE, lines));
      const what = `line ${i}: ${path} is wrong in ${JSON.stringify(value)}`;
      const snapshot = readSnapshot<SnapshotLine>(storage, snapshotName(4), snapshotMisfit);
      if (typeof snapshot === "string") {
        found++;
        assert.match(snapshot, new RegExp(`^not a snapshot: line ${i + 2}: \\.`), what);
        assert.equal(newestSnapshot(storage, undefined, snapshotMisfit), undefined);
        continue;
      }
      harmless++;
      assert.doesNotThrow(() => restoredState(snapshot.lines), what);
    }
  }
  assert.ok(found > 300 && harmless > 20, `${found} found, ${harmless} harmless`);
});

Deno.test("a snapshot of Services with any number of endpoints can be read again, and has classes that 0.6.0 knows", () => {
  const state = emptyState();
  SLOT_CLASSES.filter((slotClass) => slotClass <= 64).forEach((slotClass, i) => {
    const endpoints = Array.from({ length: slotClass }, (_, at) => `10.244.${i}.${at + 1}@node-a`).join(" ");
    foldRecord(state, 2 * i as Offset, appears(slice(`shop/s${i}-a http:8080/tcp ${endpoints}`)));
    foldRecord(state, 2 * i + 1 as Offset, appears(service(`shop/s${i} 10.96.0.${i + 1} http:80/tcp`)));
  });
  const storage = memoryStorage();
  const lines = [...snapshotLines(state)];
  storage.files.set(snapshotName(4), encodeSnapshot(PLACE, lines));
  const snapshot = readSnapshot<SnapshotLine>(storage, snapshotName(4), snapshotMisfit);
  assert.ok(typeof snapshot === "object", String(snapshot));
  const stored = lines.flatMap((line) =>
    line.kind === "slots" ? line.slots.map(([, slots]) => slots.slotClass) : []
  );
  assert.deepEqual([...new Set(stored)].sort((a, b) => a - b), [1, 2, 4, 8, 16, 32, 64]);
  const restored = [...restoredState(snapshot.lines).programs.values()]
    .flatMap(({ slots }) => [...slots.values()]).map(({ slotClass }) => slotClass);
  assert.deepEqual(restored.sort((a, b) => a - b), [1, 2, 3, 4, 6, 8, 12, 16, 32, 64]);
});

Deno.test("slots that are checked in a straight line have the shape that other lines are checked against", () => {
  const slotClass = that("a slot class", (value) => SLOT_CLASSES.includes(value as number));
  const shape = fields({
    service: TEXT,
    slots: listOf(tuple(TEXT, fields({ slotClass, endpoints: listOf(TEXT) }, { exact: slotClass }))),
  }, { causes: listOf(PLACE_SHAPE), slices: listOf(TEXT), contested: oneOf(true) });
  const lines = LINES.filter(({ kind }) => kind === "slots");
  const wrong = lines.flatMap((line) => [...wrongShapes(line)]).filter(({ path }) => path !== ".kind");
  assert.ok(wrong.length > 100, `${wrong.length} lines`);
  for (const { value, path } of wrong) {
    const misfit = shape(value);
    const text = misfit === undefined ? undefined : misfitText(misfit);
    assert.equal(snapshotMisfit(value, 1), text, `${path}: ${JSON.stringify(value)}`);
  }
});

Deno.test("the lines of a written snapshot have no misfit", () => {
  assert.deepEqual(LINES.flatMap((line, i) => snapshotMisfit(line, i) ?? []), []);
});

Deno.test("the first line is the state, and no other line is", () => {
  assert.match(snapshotMisfit(LINES[1], 0)!, /"object" in line 0/);
  assert.match(snapshotMisfit(LINES[0], 1)!, /"state" in line 1/);
});
