// Starts behind a cut: the gap is recorded, what a snapshot behind the cut knows is taken over, and the ledger is whole again.

import assert from "node:assert/strict";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { openLedger } from "../../src/library/open_ledger.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { openForWriting } from "../../src/node/start.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

const KEEP = { bytes: Infinity, milliseconds: Infinity };

/** Three Services that come one after the other: events @0, @2 and @4, commits @1, @3 and @5. */
const RECORDS = [
  ...committedPast([
    [appears(service("shop/a 10.96.0.1 http:80/tcp"))],
    [appears(service("shop/b 10.96.0.2 http:80/tcp"))],
    [appears(service("shop/c 10.96.0.3 http:80/tcp")), appears(slice("shop/c-a http:8080/tcp 10.244.0.1"))],
  ]).records(),
];

/** A folder with the records, a snapshot after @1 and one at the end. The last segment is cut to \`left\` records. */
function cutFolder(left: number): string {
  const folder = Deno.makeTempDirSync();
  const storage = folderStorage(folder, true);
  const state = emptyState();
  {
    using writer = new LedgerWriter(storage, { policy: "never" });
    for (const { offset, record } of RECORDS) {
      if (offset === 2) writeSnapshot(writer, snapshotLines(state), KEEP);
      writer.append([record]);
      foldRecord(state, offset, record);
    }
    writeSnapshot(writer, snapshotLines(state), KEEP);
  }
  const name = storage.names().findLast((name) => name.endsWith(".ndjson.zst"))!;
  const lines = new TextDecoder().decode(zstdDecompressSync(storage.read(name))).split("\n");
  const kept = lines.slice(0, 1 + left).map((line) => `${line}\n`).join("");
  storage.remove(name);
  storage.write(name, zstdCompressSync(new TextEncoder().encode(kept)));
  return folder;
}

/** Starts on the ledger in \`folder\`, as \`run\` does, and ends. */
function start(folder: string): { services: string[]; renewed: boolean } {
  const { engine, ledger, renewed } = openForWriting(folder, "never");
  ledger[Symbol.dispose]();
  return { services: [...engine.cluster.services.keys()].sort(), renewed };
}

for (const left of [0, 1, 2, 3, 4]) {
  Deno.test(`a start behind a tail that was cut to ${left} records loses no Service, and records the gap`, () => {
    const folder = cutFolder(left);
    const cut = openLedger(folder).verify().problems;
    assert.match(cut.join(), new RegExp(`^@${2 + left} to @6 are missing: 0+7\\.snapshot\\.zst shows`));
    assert.throws(() => openLedger(folder).show("HEAD"), /are missing: .*; give an offset before/);

    assert.deepEqual(start(folder), { services: ["shop/a", "shop/b", "shop/c"], renewed: false });
    const history = openLedger(folder);
    assert.deepEqual(history.verify().problems, [], "it is whole again, and says what it lacks");
    const [gap] = [...history.log({ kind: "gap" })];
    assert.ok(gap?.record.kind === "gap" && gap.offset === 2 + left);
    assert.equal(gap.record.records, 5 - left);
    assert.match(gap.record.reason, /the objects of the snapshot are taken over/);
    assert.deepEqual(start(folder).services, ["shop/a", "shop/b", "shop/c"], "and so does the next start");
    Deno.removeSync(folder, { recursive: true });
  });
}

Deno.test("where the snapshot behind the cut is not whole, the gap alone is recorded", () => {
  const folder = cutFolder(1);
  Deno.writeFileSync(`${folder}/00000000000000000007.snapshot.zst`, new Uint8Array([1, 2, 3]));
  assert.deepEqual(start(folder).services, ["shop/a", "shop/b"]);
  const [gap] = [...openLedger(folder).log({ kind: "gap" })];
  assert.ok(gap?.record.kind === "gap" && gap.record.records === 4);
  assert.deepEqual(openLedger(folder).verify().problems, []);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a cut in a past that led to rules leaves the rules that stand", () => {
  const folder = cutFolder(0);
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.startsWith("0000000000000000000") && !name.includes("7.snapshot")) {
      Deno.removeSync(`${folder}/${name}`);
    }
  }
  const storage = folderStorage(folder, false);
  {
    using writer = new LedgerWriter(storage, { policy: "never" });
    writer.append([RECORDS[0]!.record]);
  }
  assert.equal(start(folder).renewed, true);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a start behind a cut that only the key of the next checkpoint shows records the gap", () => {
  const folder = cutFolder(2);
  Deno.removeSync(`${folder}/00000000000000000007.snapshot.zst`);
  Deno.writeTextFileSync(`${folder}/00000000000000000007.key`, "{}");
  assert.match(openLedger(folder).verify().problems.join(), /^@4 to @6 are missing: 0+7\.key shows/);
  assert.deepEqual(start(folder).services, ["shop/a", "shop/b"]);
  const [gap] = [...openLedger(folder).log({ kind: "gap" })].slice(-1);
  assert.ok(gap?.record.kind === "gap" && gap.record.records === 3 && gap.offset === 4);
  Deno.removeSync(folder, { recursive: true });
});
