// The writer of a ledger: one at a time, going on where another ended, with a bound on what waits.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerLocked, LedgerOverflow, LedgerWriter } from "../../src/ledger/writer.ts";
import { EVERY_KIND, open, recordsIn, text, using } from "../support/ledger_records.ts";
import { memoryStorage, storageError } from "../support/memory_storage.ts";

Deno.test("appending goes on where an earlier writer ended, in the same chain", () => {
  const once = memoryStorage();
  using(open(once), (writer) => writer.append(EVERY_KIND));
  const twice = memoryStorage();
  using(open(twice), (writer) => writer.append(EVERY_KIND.slice(0, 3)));
  using(open(twice), (writer) => assert.equal(writer.append(EVERY_KIND.slice(3)), 3));
  assert.deepEqual(text(twice.files.get(segmentName(0))!), text(once.files.get(segmentName(0))!));
});

Deno.test("too much that waits is an error, and a disk that is full from the start is none", () => {
  const storage = memoryStorage();
  storage.fault = () => {
    throw storageError("EROFS");
  };
  using(open(storage, { unwrittenBytes: 1000 }), (writer) => {
    writer.append(EVERY_KIND.slice(0, 1));
    assert.deepEqual(writer.failure, { reason: "EROFS for a test", records: 1 });
    assert.throws(() => writer.append(EVERY_KIND), LedgerOverflow);
    storage.fault = () => {};
  });
  assert.deepEqual(recordsIn(storage), [EVERY_KIND[0], ...EVERY_KIND], "what waited is written all the same");
});

Deno.test("a second writer is told who holds the ledger", async () => {
  const folder = await Deno.makeTempDir();
  {
    using _first = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
    assert.throws(
      () => new LedgerWriter(folderStorage(folder, false), { policy: "never" }),
      (error) => error instanceof LedgerLocked && error.message.includes(`process ${Deno.pid}`),
    );
  }
  using(new LedgerWriter(folderStorage(folder, false), { policy: "never" }), () => {});
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what append returned for survives SIGKILL of the writer", async () => {
  const folder = await Deno.makeTempDir();
  const script = new URL("../support/append_forever.ts", import.meta.url).pathname;
  for (let round = 0; round < 3; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, folder],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let told = "";
    while (told.split("\n").length < 50 * (round + 1)) told += (await reader.read()).value ?? "";
    child.kill("SIGKILL");
    for (let part; !(part = await reader.read()).done;) told += part.value;
    await child.status;
    const last = Number(told.trimEnd().split("\n").filter((line) => line !== "").at(-1));
    const offsets = [...readLedger(folderStorage(folder, false))].map(({ offset }) => offset);
    assert.ok(offsets.length > last, `${offsets.length} records, ${last} was acknowledged`);
    assert.deepEqual(offsets, offsets.map((_, i) => i));
  }
  await Deno.remove(folder, { recursive: true });
});
