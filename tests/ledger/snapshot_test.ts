// A snapshot is whole or none.

import assert from "node:assert/strict";
import { encodeSnapshot, newestSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { ID, twoSegments } from "../support/ledger_records.ts";

Deno.test("a snapshot that is not whole is none: the one before it, or the log alone, is used", () => {
  const storage = twoSegments();
  const place = { ledger: ID, chain: "ab".repeat(32), age: { milliseconds: 7, time: 5 } };
  storage.files.set(snapshotName(2), encodeSnapshot({ ...place, next: 2 }, [{ two: 2 }]));
  const whole = encodeSnapshot({ ...place, next: 4 }, [{ four: 4 }, { more: "lines" }]);
  for (let length = 0; length < whole.length; length++) {
    storage.files.set(snapshotName(4), whole.slice(0, length));
    assert.equal(newestSnapshot(storage)?.next, 2, `${length} bytes`);
    const flipped = new Uint8Array(whole);
    flipped[length]! ^= 1;
    storage.files.set(snapshotName(4), flipped);
    const read = newestSnapshot<Record<string, unknown>>(storage);
    assert.ok(
      read?.next === 2 || JSON.stringify(read?.lines) === '[{"four":4},{"more":"lines"}]',
      `bit ${length}`,
    );
  }
  storage.files.set(snapshotName(4), whole);
  assert.deepEqual(newestSnapshot(storage), { ...place, next: 4, lines: [{ four: 4 }, { more: "lines" }] });
  assert.equal(newestSnapshot(storage, 3)?.next, 2);
});
