// Opening folders with and without a ledger.

import assert from "node:assert/strict";
import { isLedgerNotFound, openLedger } from "../../src/library/open_ledger.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { SHRINKING, writeCommitted } from "../support/past.ts";

Deno.test("a ledger can be read while it is written, and each question reads it anew", () => {
  const folder = Deno.makeTempDirSync();
  const storage = folderStorage(folder, true);
  writeCommitted(storage, SHRINKING.slice(0, 2));
  const ledger = openLedger(folder);
  assert.equal(ledger.offsetOf("HEAD"), 4);
  using writer = new LedgerWriter(storage, { policy: "never" });
  writer.append(SHRINKING[2]!);
  writer.sync();
  assert.equal(ledger.offsetOf("HEAD"), 5);
  assert.equal(ledger.at().ruleset.elements.size, ledger.at("@4").ruleset.elements.size);
  assert.equal(ledger.at("@5").record(5)?.record.kind, "event");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a long question reports its progress by name", () => {
  const folder = Deno.makeTempDirSync();
  writeCommitted(folderStorage(folder, true), SHRINKING);
  const counts = new Map<string, number>();
  const ledger = openLedger(folder, (work) => (count) => counts.set(work, count));
  ledger.at("HEAD");
  ledger.verify();
  assert.deepEqual([...counts], [["records read from the ledger", 7], ["records verified", 6]]);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a folder without a ledger is an error of its own", () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/file`, "");
  for (const path of [folder, `${folder}/nowhere`, `${folder}/file`]) {
    assert.throws(() => openLedger(path), (error: Error) => {
      assert.equal(error.message, `${path}: there is no ledger (a folder with *.ndjson segments)`);
      return isLedgerNotFound(error);
    });
  }
  Deno.removeSync(folder, { recursive: true });
});
