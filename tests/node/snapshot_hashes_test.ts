// The hashes of snapshots that checkpoints sign.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { snapshotName } from "../../src/ledger/snapshot.ts";
import { SIGNED_SNAPSHOTS_MAX } from "../../src/limits/ledger.ts";
import { snapshotHashes } from "../../src/node/snapshot_hashes.ts";

Deno.test("the newest snapshot at first, then those behind a place, oldest first, and a bounded number", async () => {
  const folder = Deno.makeTempDirSync();
  assert.deepEqual(await snapshotHashes(folder, undefined), []);
  const bytes = (next: number) => new Uint8Array(200_000).fill(next);
  const put = (next: number) => Deno.writeFileSync(`${folder}/${snapshotName(next)}`, bytes(next));
  const hashed = (...places: number[]) =>
    places.map((next) => ({ next, sha256: hash("sha256", bytes(next), "hex") }));
  for (const next of [12, 3, 7]) put(next);
  Deno.writeTextFileSync(`${folder}/${snapshotName(20)}.part`, "");
  Deno.mkdirSync(`${folder}/${snapshotName(21)}`);
  assert.deepEqual(await snapshotHashes(folder, undefined), hashed(12));
  assert.deepEqual(await snapshotHashes(folder, 3), hashed(7, 12));
  assert.deepEqual(await snapshotHashes(folder, 12), []);
  for (let next = 30; next < 30 + SIGNED_SNAPSHOTS_MAX; next++) put(next);
  const newest = Array.from({ length: SIGNED_SNAPSHOTS_MAX }, (_, i) => 30 + i);
  assert.deepEqual(await snapshotHashes(folder, 3), hashed(...newest));
  Deno.removeSync(folder, { recursive: true });
});
