// The writer of a ledger: only one at a time, it continues where the last one ended, and few records may wait for the disk.

import assert from "node:assert/strict";
import { segmentName, segmentNames } from "../../src/ledger/format.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerLocked } from "../../src/ledger/disk_writer.ts";
import { LedgerOverflow, LedgerUnwritten, LedgerWriter, writeNewLedger } from "../../src/ledger/writer.ts";
import { EVERY_KIND, open, recordsIn, text, using } from "../support/ledger_records.ts";
import { memoryStorage, storageError } from "../support/memory_storage.ts";

Deno.test("a writer continues where the last one ended, in the same hash chain", () => {
  const once = memoryStorage();
  using(open(once), (writer) => writer.append(EVERY_KIND));
  const twice = memoryStorage();
  using(open(twice), (writer) => writer.append(EVERY_KIND.slice(0, 3)));
  using(open(twice), (writer) => assert.equal(writer.append(EVERY_KIND.slice(3)), 3));
  assert.deepEqual(text(twice.files.get(segmentName(0))!), text(once.files.get(segmentName(0))!));
});

Deno.test("too many waiting records are an error, and a disk that is full at the start is not", () => {
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
  assert.deepEqual(
    recordsIn(storage),
    [EVERY_KIND[0], ...EVERY_KIND],
    "the waiting records are written all the same",
  );
});

Deno.test("the error of a second writer names the process that holds the ledger", async () => {
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

Deno.test("records for which append returned survive SIGKILL of the writer", async () => {
  const folder = await Deno.makeTempDir();
  const script = new URL("../support/append_forever.ts", import.meta.url).pathname;
  for (let round = 0; round < 3; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, folder],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let printed = "";
    while (printed.split("\n").length < 50 * (round + 1)) printed += (await reader.read()).value ?? "";
    child.kill("SIGKILL");
    for (let part; !(part = await reader.read()).done;) printed += part.value;
    await child.status;
    const last = Number(printed.trimEnd().split("\n").filter((line) => line !== "").at(-1));
    const offsets = [...readLedger(folderStorage(folder, false))].map(({ offset }) => offset);
    assert.ok(offsets.length > last, `${offsets.length} records, ${last} was acknowledged`);
    assert.deepEqual(offsets, offsets.map((_, i) => i));
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("where nothing follows, records that the disk did not take are an error; a new ledger is then removed", () => {
  const storage = memoryStorage();
  const fill = (writer: LedgerWriter) => {
    writer.append(EVERY_KIND);
    storage.fault = (call) => {
      if (call === "write") throw storageError("ENOSPC");
    };
    writer.append(EVERY_KIND);
    return writer.next;
  };
  const write = () => writeNewLedger(storage, { policy: "interval" }, fill);
  const problem = new RegExp(`its last ${EVERY_KIND.length} records are not written \\(ENOSPC`);
  assert.throws(write, (error: Error) => error instanceof LedgerUnwritten && problem.test(error.message));
  assert.deepEqual(segmentNames(storage), []);
  storage.fault = () => {};
  const whole = (writer: LedgerWriter) => writer.append(EVERY_KIND);
  assert.equal(writeNewLedger(storage, { policy: "interval" }, whole), 0);
  assert.deepEqual(verifyLedger(storage), []);
});

Deno.test("records that are written, and may not be durable, are no end either", () => {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "interval" });
  writer.append(EVERY_KIND);
  storage.fault = (call) => {
    if (call === "sync") throw storageError("EIO");
  };
  assert.throws(() => writer.finish(), LedgerUnwritten);
});
