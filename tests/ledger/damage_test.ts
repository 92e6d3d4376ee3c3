// Errors that say where a ledger is damaged.

import assert from "node:assert/strict";
import { isLedgerDamage, LedgerDamage } from "../../src/ledger/damage.ts";

Deno.test("the message of damage has file, line, byte and reason, and other errors are not damage", () => {
  const damage = new LedgerDamage("00000000000000000000.ndjson", 3, 120, "damaged (CRC)");
  assert.equal(damage.message, "00000000000000000000.ndjson:3 (byte 120): damaged (CRC)");
  assert.equal(damage.offset, 1);
  assert.deepEqual(
    [1, 2].map((line) => new LedgerDamage("00000000000000000010.ndjson.zst", line, 0, "").offset),
    [10, 10],
  );
  assert.equal(new LedgerDamage("writers.ndjson", 3, 0, "").offset, undefined);
  assert.deepEqual([damage, new Error(damage.message), "text"].map(isLedgerDamage), [true, false, false]);
});
