// What can still be used of a damaged ledger: every whole record, from where a snapshot ends.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { salvage } from "../../src/ledger/salvage.ts";
import { EVERY_KIND, twoSegments } from "../support/ledger_records.ts";
import type { MemoryStorage } from "../support/memory_storage.ts";
import { zstdBomb } from "../support/zstd_bomb.ts";

/** Offsets of what is whole, and how many lines are not. */
function salvaged(storage: MemoryStorage, from?: number): { offsets: number[]; lost: number } {
  const offsets: number[] = [];
  const records = salvage(storage, from);
  for (;;) {
    const { done, value } = records.next();
    if (done) return { offsets, lost: value };
    assert.deepEqual(value.record, EVERY_KIND[value.offset]);
    offsets.push(value.offset);
  }
}

const all = EVERY_KIND.map((_, i) => i);

Deno.test("each flipped bit loses the one record that it is in", () => {
  const whole = twoSegments();
  for (const name of whole.names()) {
    const bytes = whole.files.get(name)!;
    const header = bytes.indexOf(0x0a);
    for (let at = header + 1; at < bytes.length; at += 7) {
      const before = bytes[at]!;
      bytes[at] = before ^ 0x10;
      const { offsets, lost } = salvaged(whole);
      assert.ok(offsets.length >= all.length - 2 && lost >= 1, `${name} byte ${at}: ${offsets}`);
      bytes[at] = before;
    }
  }
  assert.deepEqual(salvaged(whole), { offsets: all, lost: 0 });
});

Deno.test("behind a snapshot only what is behind it counts, and segments before it are not read", () => {
  const storage = twoSegments();
  const [, second] = storage.names();
  const first = Number(second!.slice(0, 20));
  storage.files.set(segmentName(0), new TextEncoder().encode("nothing\nof\nuse\n"));
  assert.deepEqual(salvaged(storage, first), { offsets: all.slice(first), lost: 0 });
  assert.deepEqual(salvaged(storage, first + 1).offsets, all.slice(first + 1));
  assert.equal(salvaged(storage).lost, 2);
});

Deno.test("a segment that cannot be decompressed is lost as a whole, and what is behind it is not", () => {
  const storage = twoSegments();
  const [name, second] = storage.names();
  storage.files.delete(name!);
  for (const bytes of [new Uint8Array(100), zstdBomb(6e9)]) {
    storage.files.set(`${name}.zst`, bytes);
    assert.deepEqual(salvaged(storage), { offsets: all.slice(Number(second!.slice(0, 20))), lost: 1 });
  }
});
