// Compressed files that are cut, or have several frames. The runtime alone reports neither.

import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { segmentName } from "../../src/ledger/format.ts";
import { ledgerId, verifyLedger } from "../../src/ledger/reader.ts";
import { salvage } from "../../src/ledger/salvage.ts";
import { EVERY_KIND, open, recordsIn, using } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";

const NAME = `${segmentName(0)}.zst`;

/** A ledger of one segment, compressed by `compress`. */
function compressed(compress: (bytes: Uint8Array) => Uint8Array): MemoryStorage {
  const storage = memoryStorage();
  using(open(storage), (writer) => writer.append(EVERY_KIND));
  const bytes = storage.files.get(segmentName(0))!;
  storage.files.delete(segmentName(0));
  storage.files.set(NAME, compress(bytes));
  return storage;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("all frames of a compressed segment are read, without the skippable ones", () => {
  const skipped = new Uint8Array([0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const storage = compressed((bytes) =>
    joined(zstdCompressSync(bytes.subarray(0, 500)), skipped, zstdCompressSync(bytes.subarray(500)))
  );
  assert.deepEqual(recordsIn(storage), EVERY_KIND);
});

Deno.test("the header of a compressed segment is found wherever its frames begin and end", () => {
  const skipped = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
  const ways: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    "behind a skippable frame, as pzstd writes it": (bytes) => joined(skipped, zstdCompressSync(bytes)),
    "behind an empty frame": (bytes) => joined(zstdCompressSync(new Uint8Array()), zstdCompressSync(bytes)),
    "in two frames": (bytes) =>
      joined(zstdCompressSync(bytes.subarray(0, 20)), zstdCompressSync(bytes.subarray(20))),
  };
  for (const [way, compress] of Object.entries(ways)) {
    const storage = compressed(compress);
    assert.deepEqual(recordsIn(storage), EVERY_KIND, way);
    assert.match(ledgerId(storage) ?? "none", /^[0-9a-f]{16}$/, way);
  }
});

Deno.test("a compressed segment that is cut anywhere is damaged and not torn; its whole lines are salvaged", () => {
  const whole = compressed(zstdCompressSync).files.get(NAME)!;
  for (let length = 0; length < whole.length; length++) {
    const storage = compressed(() => whole.subarray(0, length));
    assert.match(
      verifyLedger(storage)[0]!,
      /it cannot be decompressed: it is (cut|empty)/,
      `${length} bytes`,
    );
    assert.throws(() => open(storage), /LedgerDamage/, `${length} bytes`);
    assert.equal(storage.files.get(NAME)!.length, length, "it stays as it was found");
  }
  const halves = compressed((bytes) => {
    const middle = bytes.lastIndexOf(0x0a, bytes.length / 2) + 1;
    const second = zstdCompressSync(bytes.subarray(middle));
    return joined(zstdCompressSync(bytes.subarray(0, middle)), second.subarray(0, second.length / 2));
  });
  const salvaged = [...salvage(halves)].map(({ record }) => record);
  assert.ok(salvaged.length > 0);
  assert.deepEqual(salvaged, EVERY_KIND.slice(0, salvaged.length));
});

Deno.test("bytes behind the last frame of a compressed segment are damage", () => {
  const storage = compressed((bytes) => joined(zstdCompressSync(bytes), new Uint8Array(10)));
  assert.match(verifyLedger(storage)[0]!, /bytes behind its last frame/);
});
