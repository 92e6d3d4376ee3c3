// The ledger of a running node on a real disk: what is in the file when a commit may follow it.

import assert from "node:assert/strict";
import { Counters } from "../../src/ledger/counters.ts";
import type { SyncPolicy } from "../../src/ledger/disk_writer.ts";
import { newHandoff } from "../../src/ledger/handoff.ts";
import { RemoteLedger } from "../../src/ledger/remote_ledger.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { folderStorage, isStorageFailure, type Storage } from "../../src/ledger/storage.ts";
import { recover } from "../../src/ledger/writer.ts";
import { CheckpointKeys } from "../../src/node/checkpoint_keys.ts";
import { LedgerDisk } from "../../src/node/ledger_disk.ts";
import { LedgerFiles } from "../../src/node/ledger_files.ts";
import { messageOf } from "../../src/thrown.ts";
import { EVERY_KIND, ID, KEEP_ALL, recordsIn } from "../support/ledger_records.ts";
import { until } from "../support/until.ts";

const CLOSE_MILLISECONDS = 10_000;

/** The place of the first commit among the records. */
const COMMIT = EVERY_KIND.findIndex(({ kind }) => kind === "commit");

/** A disk with a folder for a ledger, and what is in it. */
interface Place {
  readonly disk: LedgerDisk;
  readonly folder: string;
  readonly storage: Storage;
}

/** Calls `test`, and closes and removes the ledger afterwards. */
async function withDisk(test: (place: Place) => Promise<void>): Promise<void> {
  const folder = `${await Deno.makeTempDir()}/ledger`;
  const disk = new LedgerDisk();
  await test({ disk, folder, storage: folderStorage(folder, false) });
  assert.equal(await disk.close(CLOSE_MILLISECONDS), true);
  await Deno.remove(`${folder}/..`, { recursive: true });
}

async function opened(disk: LedgerDisk, folder: string, policy: SyncPolicy): Promise<RemoteLedger> {
  const opening = await disk.open(folder, { policy });
  assert.equal(opening.kind, "opened");
  const files = opening.kind === "opened" ? opening.files : [];
  const read = new LedgerFiles(folder, files, disk);
  const { encoder, end } = await read.look((storage) => recover(storage, { ledger: ID }));
  const counters = new Counters();
  counters.note(encoder.end.next, 0, 0);
  disk.begin(
    { kind: "begin", ledger: encoder.ledger, place: encoder.place, end, counters },
    (report) => assert.equal(report.kind, "past", JSON.stringify(report)),
  );
  return new RemoteLedger(newHandoff(encoder, policy, 0), {
    counters() {
      disk.look();
      return counters;
    },
    // Longer than a commit waits, because a disk of a busy machine may take longer.
    wait: (reached) => disk.wait(reached, CLOSE_MILLISECONDS),
    get away() {
      return disk.away;
    },
    get isIdle() {
      return disk.isIdle;
    },
    post: (request, canWait) => disk.post(request, canWait),
    now: () => performance.now(),
    reopen: () => assert.fail("nothing was lost"),
  });
}

for (const policy of ["interval", "always"] as const) {
  Deno.test(`with the policy ${policy} each record is in the file before its rules, without the event loop`, async () => {
    const folder = `${await Deno.makeTempDir()}/ledger`;
    const disk = new LedgerDisk();
    const ledger = await opened(disk, folder, policy);
    for (const [i, record] of EVERY_KIND.entries()) {
      // A segment is begun after a snapshot.
      if (i === 3) { for (const piece of ledger.beginSnapshot([])) ledger.sendPiece(piece); }
      if (i === 5) ledger.sync();
      // A batch waits for it once; a disk of a busy machine may take longer.
      for (let ready; (ready = ledger.ready()) !== undefined;) await ready;
      ledger.append([record]);
      ledger.awaitWritten();
      assert.deepEqual(recordsIn(folderStorage(folder, false)), EVERY_KIND.slice(0, i + 1));
      if (policy === "always") assert.equal(ledger.durable, i + 1);
    }
    assert.equal(await disk.close(CLOSE_MILLISECONDS), true);
    await Deno.remove(`${folder}/..`, { recursive: true });
  });
}

Deno.test("a snapshot is made while records are appended, and the next session continues both", async () => {
  const folder = `${await Deno.makeTempDir()}/ledger`;
  const disk = new LedgerDisk();
  const ledger = await opened(disk, folder, "interval");
  ledger.append(EVERY_KIND.slice(0, 3));
  for (const piece of ledger.beginSnapshot(EVERY_KIND.slice(0, 3))) ledger.sendPiece(piece);
  ledger.endSnapshot(KEEP_ALL);
  ledger.append(EVERY_KIND.slice(3, 5));
  const storage = folderStorage(folder, false);
  await until("the snapshot is there", () => newestSnapshot(storage)?.lines.length === 3);
  await until(
    "the closed segment is compressed",
    () => storage.names().some((name) => name.endsWith(".ndjson.zst")),
  );
  const again = await opened(disk, folder, "interval");
  assert.equal(again.next, 5);
  again.append(EVERY_KIND.slice(5));
  assert.equal(await disk.close(CLOSE_MILLISECONDS), true);
  assert.deepEqual(recordsIn(storage), EVERY_KIND);
  await Deno.remove(`${folder}/..`, { recursive: true });
});

Deno.test("the record of a commit soon after another one waits, and is sent by who looks", () =>
  withDisk(async ({ disk, folder, storage }) => {
    const ledger = await opened(disk, folder, "interval");
    ledger.append(EVERY_KIND.slice(0, COMMIT));
    ledger.append([EVERY_KIND[COMMIT]!]);
    const begun = performance.now();
    await until("the lone one is written", () => (disk.look(), recordsIn(storage).length === COMMIT + 1));
    await new Promise((resolve) => setTimeout(resolve, 40));
    ledger.append([EVERY_KIND[COMMIT]!]);
    // A busy machine may have taken longer, and then it is a lone one too.
    if (performance.now() - begun < 100) assert.equal(disk.isIdle, true, "no write is under way");
    await until("it is written", () => (disk.look(), recordsIn(storage).length === COMMIT + 2));
  }));

Deno.test("records of commits that follow each other without an end are written meanwhile", () =>
  withDisk(async ({ disk, folder, storage }) => {
    const ledger = await opened(disk, folder, "interval");
    ledger.append(EVERY_KIND.slice(0, COMMIT));
    const series = setInterval(() => ledger.append([EVERY_KIND[COMMIT]!]), 20);
    // The first one is a lone one.
    await until("one that waited is written", () => recordsIn(storage).length > COMMIT + 1);
    clearInterval(series);
  }));

Deno.test("in a burst the record of a commit waits for the next one, and is written before another session begins", async () => {
  const folder = `${await Deno.makeTempDir()}/ledger`;
  const disk = new LedgerDisk();
  const storage = folderStorage(folder, false);
  const records = [...EVERY_KIND.slice(0, COMMIT + 1), EVERY_KIND[COMMIT]!, EVERY_KIND[COMMIT]!];
  const ledger = await opened(disk, folder, "interval");
  ledger.append(records.slice(0, COMMIT));
  ledger.append([records[COMMIT]!]);
  await until("the first one is written", () => (disk.look(), recordsIn(storage).length === COMMIT + 1));
  // One call follows the other, so both are within the time of a burst.
  for (const commit of records.slice(COMMIT + 1)) ledger.append([commit]);
  const again = await opened(disk, folder, "interval");
  assert.equal(again.next, records.length);
  assert.equal(await disk.close(CLOSE_MILLISECONDS), true);
  assert.deepEqual(recordsIn(storage), records);
  await Deno.remove(`${folder}/..`, { recursive: true });
});

Deno.test("no key of a checkpoint is made, renamed or erased in the folder of another ledger", () =>
  withDisk(async ({ disk, folder }) => {
    await opened(disk, folder, "interval");
    const keys = new CheckpointKeys(folder, ID, () => disk.requireHeld());
    const { key } = await keys.open();
    const next = await keys.prepare(key);
    await Deno.rename(folder, `${folder}.old`);
    const another = new CheckpointKeys(folder, "f".repeat(16));
    await Deno.mkdir(folder, { mode: 0o700 });
    await another.prepare((await another.open()).key);
    const there = () => [...Deno.readDirSync(folder)].map(({ name }) => [name, textIn(folder, name)]).sort();
    const before = there();
    const changes = [
      () => keys.open(),
      () => keys.prepare(key),
      () => keys.advance(0, next),
      () => keys.eraseAll(),
    ];
    for (const change of changes) {
      const error = await change().then(() => undefined, (error: unknown) => error);
      assert.deepEqual(there(), before);
      assert.ok(isStorageFailure(error), `${error}`);
      assert.match(messageOf(error), /^the folder of the ledger, or its lock, was removed or replaced$/);
    }
    await Deno.remove(folder, { recursive: true });
    await Deno.rename(`${folder}.old`, folder);
    await keys.advance(0, next);
    assert.deepEqual((await keys.open()).key.number, 1);
  }));

const textIn = (folder: string, name: string) => Deno.readTextFileSync(`${folder}/${name}`);
