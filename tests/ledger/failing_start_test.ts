// A ledger that is opened while its disk fails. No record that it has may be lost, whatever fails next.

import assert from "node:assert/strict";
import { atOnce, type DiskWork } from "../../src/ledger/disk_work.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { type MemoryStorage, memoryStorage, storageError } from "../support/memory_storage.ts";

const record = (version: string): LedgerRecord => ({
  kind: "config",
  time: "2026-11-23T09:26:10.000Z",
  version,
  nodeName: "node-a",
});
const versions = (storage: MemoryStorage) =>
  [...readLedger(storage)].map(({ record }) => record.kind === "config" ? record.version : "");

/** A ledger of three records after the end of its writer. None of them is durable yet. */
function left(): MemoryStorage {
  const before = memoryStorage();
  const ledger = new LedgerWriter(before, { policy: "interval", ledger: "0123456789abcdef" });
  ledger.append(["a", "b", "c"].map(record));
  return memoryStorage(before.files);
}

Deno.test("a start whose first syncs fail loses no record", () => {
  for (let failures = 1; failures <= 6; failures++) {
    const storage = left();
    let rest = failures;
    storage.fault = (call) => {
      if (call === "sync" && rest-- > 0) throw storageError("EIO");
    };
    {
      using ledger = new LedgerWriter(storage, { policy: "interval" });
      for (const version of ["d", "e", "f", "g"]) {
        ledger.append([record(version)]);
        ledger.sync();
      }
      for (let i = 0; i < failures; i++) ledger.sync();
      assert.equal(ledger.failure, undefined);
    }
    assert.deepEqual(versions(storage), ["a", "b", "c", "d", "e", "f", "g"], `${failures} syncs failed`);
  }
});

Deno.test("records that could not be synced at a start do not count as durable", () => {
  const storage = left();
  storage.fault = (call) => {
    if (call === "sync") throw storageError("EIO");
  };
  const ledger = new LedgerWriter(storage, { policy: "interval" });
  assert.equal(ledger.synced, false);
  storage.fault = () => {};
  ledger.sync();
  assert.equal(ledger.synced, true);
  // A power cut leaves only what was synced.
  const kept = memoryStorage();
  for (const [name, bytes] of storage.files) {
    // `write` makes a whole file and its name durable.
    kept.files.set(name, bytes.slice(0, storage.synced.get(name) ?? 0));
  }
  ledger[Symbol.dispose]();
  assert.deepEqual(versions(kept), ["a", "b", "c"]);
});

Deno.test("records wait while a pipe, folder or link has the name of a file of the ledger", () => {
  const obstacles: Record<string, (path: string) => void> = {
    pipe: (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    folder: (path) => Deno.mkdirSync(path),
    link: (path) => Deno.symlinkSync("/none/none", path),
  };
  for (const file of ["00000000000000000000.ndjson", "writer.lock"]) {
    for (const [what, place] of Object.entries(obstacles)) {
      const folder = Deno.makeTempDirSync();
      const storage = folderStorage(folder, true);
      place(`${folder}/${file}`);
      const failures: (number | undefined)[] = [];
      try {
        using ledger = new LedgerWriter(storage, { policy: "interval" });
        ledger.append([record("a")]);
        failures.push(ledger.failure?.records);
        Deno.removeSync(`${folder}/${file}`);
        ledger.append([record("b")]);
        failures.push(ledger.failure?.records);
      } catch (error) {
        assert.fail(`${what} in place of ${file}: ${error}`);
      }
      assert.deepEqual(failures, [1, undefined], `${what} in place of ${file}`);
      assert.equal([...readLedger(storage)].length, 2);
      Deno.removeSync(folder, { recursive: true });
    }
  }
});

Deno.test("a ledger of which half is set aside is not written while the disk does not move the files back, and is not locked", async () => {
  const folder = await Deno.makeTempDir();
  const storage = folderStorage(folder, true);
  Deno.mkdirSync(`${folder}/damaged.moving`);
  Deno.writeTextFileSync(`${folder}/damaged.moving/00000000000000000000.ndjson`, "");
  const { renameSync } = Deno;
  Deno.renameSync = () => {
    throw storageError("EIO");
  };
  try {
    assert.throws(() => new LedgerWriter(storage, { policy: "interval" }), {
      message: `EIO for a test: '${folder}/'`,
    });
  } finally {
    Deno.renameSync = renameSync;
  }
  assert.deepEqual(storage.names(), ["writer.lock"]);
  {
    using _ = new LedgerWriter(storage, { policy: "interval" });
    assert.deepEqual(storage.names(), ["00000000000000000000.ndjson", "writer.lock"]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a writer that gets the lock late changes nothing where another one was there before", () => {
  const other = left();
  const storage = memoryStorage();
  storage.fault = (call) => {
    if (call === "lock") throw storageError("EIO");
  };
  const ledger = new LedgerWriter(storage, { policy: "interval" });
  ledger.append([record("mine")]);
  for (const [name, bytes] of other.files) storage.files.set(name, bytes);
  storage.fault = () => {};
  assert.throws(() => ledger.append([record("mine")]), /has other segments than when it was read/);
  ledger[Symbol.dispose]();
  assert.deepEqual(versions(storage), ["a", "b", "c"]);
});

Deno.test("without the lock nothing is changed, such as a damaged ledger that would be set aside", () => {
  const storage = left();
  storage.fault = (call) => {
    if (call === "lock") throw storageError("EIO");
  };
  const { disk: { folder } } = new LedgerWriter(storage, { policy: "interval" });
  const changes: (() => DiskWork<unknown>)[] = [
    () => folder.setAside("damaged", { name: "new", bytes: new Uint8Array(1) }),
    () => folder.remove(folder.path),
    () => folder.write("new", new Uint8Array(1)),
    () => folder.endAside(),
  ];
  for (const change of changes) assert.throws(() => atOnce(change()), /^Error: EIO for a test$/);
  assert.deepEqual([...storage.files.keys()], [...left().files.keys()]);
  assert.equal(storage.aside.size, 0);
});
