// A snapshot is used only when it is whole.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { encodeSnapshot, newestSnapshot, readSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { ID, twoSegments } from "../support/ledger_records.ts";

Deno.test("a snapshot that is not whole is ignored: an older one, or the records alone, are used", () => {
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

Deno.test("a snapshot that would fill the memory is refused before it is parsed, although its hash is right", () => {
  const storage = twoSegments();
  const head = JSON.stringify({ version: 1, ledger: ID, next: 4, chain: "ab".repeat(32) });
  for (const text of [`${"[".repeat(3_000_000)}\n`, `${head}\n${"[".repeat(3_000_000)}\n`]) {
    const seal = JSON.stringify({ sha256: hash("sha256", text, "hex") });
    storage.files.set(snapshotName(4), zstdCompressSync(new TextEncoder().encode(`${text}${seal}\n`)));
    assert.match(
      String(readSnapshot(storage, snapshotName(4))),
      /more than 2000000 brackets and commas of JSON/,
    );
  }
});
