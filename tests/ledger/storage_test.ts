// The storage in a real folder.

import assert from "node:assert/strict";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { EVERY_KIND, ID, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

Deno.test("a real folder behaves as the folder in memory, and is private", async () => {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/ledger`;
  const [real, memory] = [folderStorage(folder, true), memoryStorage()];
  for (const storage of [real, memory]) {
    using(new LedgerWriter(storage, { policy: "always", ledger: ID, segmentBytes: 600 }), (writer) => {
      for (const record of EVERY_KIND) writer.append([record]);
    });
  }
  const segments = real.names().filter((name) => name.endsWith(".ndjson"));
  assert.deepEqual(segments, memory.names());
  for (const name of segments) assert.deepEqual(real.read(name), memory.read(name));
  assert.equal(Deno.statSync(folder).mode! & 0o777, 0o700);
  for (const name of real.names()) assert.equal(Deno.statSync(`${folder}/${name}`).mode! & 0o777, 0o600);
  real.truncate(segments.at(-1)!, real.size(segments.at(-1)!) - 5);
  assert.equal(verifyLedger(real).length, 1);
  await Deno.remove(parent, { recursive: true });
});

Deno.test("a link in the place of the lock is rejected, and the file that it names keeps its content", async () => {
  const folder = await Deno.makeTempDir();
  Deno.writeTextFileSync(`${folder}/precious`, "content");
  const storage = folderStorage(`${folder}/ledger`, true);
  Deno.symlinkSync(`${folder}/precious`, `${folder}/ledger/writer.lock`);
  assert.throws(() => storage.lock(), /writer\.lock: it is a link, or not a file$/);
  Deno.removeSync(`${folder}/ledger/writer.lock`);
  Deno.symlinkSync(`${folder}/absent`, `${folder}/ledger/writer.lock`);
  assert.throws(() => storage.lock(), /writer\.lock: it is a link, or not a file$/);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["ledger", "precious"]);
  assert.equal(Deno.readTextFileSync(`${folder}/precious`), "content");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a second writer is rejected, even where the lock file was removed, until the first one ends", async () => {
  const folder = await Deno.makeTempDir();
  const storage = folderStorage(folder, true);
  const held = (lock: ReturnType<typeof storage.lock>) => "heldBy" in lock ? lock.heldBy : lock;
  const first = held(storage.lock());
  assert.ok(typeof first !== "string");
  assert.equal(held(storage.lock()), `process ${Deno.pid}`);
  Deno.removeSync(`${folder}/writer.lock`);
  assert.equal(held(storage.lock()), "an unknown process");
  first[Symbol.dispose]();
  const second = held(storage.lock());
  assert.ok(typeof second !== "string");
  second[Symbol.dispose]();
  await Deno.remove(folder, { recursive: true });
});
