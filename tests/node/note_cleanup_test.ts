// What `cleanup` notes in a ledger is a record as any other: the ledger is whole, and is continued behind it.

import assert from "node:assert/strict";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import { CLEANUP } from "../../src/fold/skeleton.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { noteCleanup } from "../../src/node/note_cleanup.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { AskedLedger } from "../support/asked_program.ts";

Deno.test("the ledger that the rules were made from gets a record, another one or one that is written does not", async () => {
  using ledger = new AskedLedger();
  const { folder } = ledger;
  const id = openPast(folder).id();
  assert.match(noteCleanup(folder, "0123456789abcdef", ["ip ledgerproxy"]) ?? "", /another ledger/);
  assert.match(noteCleanup(`${folder}/none`, id, ["ip ledgerproxy"]) ?? "", /none/);
  {
    using _ = new LedgerWriter(folderStorage(folder, false), { policy: "never" });
    assert.match(noteCleanup(folder, id, ["ip ledgerproxy"]) ?? "", new RegExp(folder));
  }
  assert.equal(noteCleanup(folder, id, ["ip ledgerproxy", "ip6 ledgerproxy"]), undefined);
  const storage = folderStorage(folder, false);
  assert.deepEqual(verifyLedger(storage), []);
  const last = [...readLedger(storage)].at(-1)?.record;
  assert.ok(last?.kind === "drift" && last.process === CLEANUP && last.changes.length === 2);
  const [status, services] = await Promise.all([ledger.ask("status"), ledger.ask("services", "web")]);
  assert.match(status.stdout, /REMOVED: the kernel had the rules of @12\n(.*\n)*FAILING {2}rules: /);
  assert.equal(status.code, 1);
  assert.match(services.stderr, /@14: `ledgerproxy cleanup` removed the rules; .* serves no packet/);
});
