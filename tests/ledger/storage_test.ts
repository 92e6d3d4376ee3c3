// A real folder.

import assert from "node:assert/strict";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { EVERY_KIND, ID, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

Deno.test("a real folder behaves as the one in memory, and is private", async () => {
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
