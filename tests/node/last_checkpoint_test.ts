// The last checkpoint of a ledger, found from its end.

import assert from "node:assert/strict";
import { checkpointRecord, keyName } from "../../src/ledger/checkpoint.ts";
import { newSigner } from "../../src/ledger/signed_note.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { lastCheckpoint } from "../../src/node/last_checkpoint.ts";
import { EVERY_KIND, ID, TIME } from "../support/ledger_records.ts";

Deno.test("the last checkpoint is found in older segments too, but not before the offset that is given", async () => {
  const folder = await Deno.makeTempDir();
  const signer = newSigner(keyName(ID));
  const said = { ledger: ID, chain: "ab".repeat(32), time: TIME, nextKey: signer.verifier };
  {
    using writer = new LedgerWriter(folderStorage(folder, true), {
      policy: "interval",
      ledger: ID,
      segmentBytes: 1500,
    });
    for (let number = 0; number < 2; number++) {
      writer.append([checkpointRecord({ ...said, next: number, number }, signer)]);
    }
    for (const record of EVERY_KIND) writer.append([record]);
  }
  assert.equal((await lastCheckpoint(folder, 0))?.number, 1);
  assert.equal((await lastCheckpoint(folder, 1))?.number, 1, "its own offset");
  assert.equal(await lastCheckpoint(folder, 2), undefined);
  await Deno.remove(folder, { recursive: true });
});
