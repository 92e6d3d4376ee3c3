// The lines of the newest segment, found again while it grows, and where it is cut and written anew.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { LineIndex } from "../../src/ledger/line_index.ts";
import { placedRecords, readBackward, readLedger, recordLookup } from "../../src/ledger/reader.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import { EVERY_KIND, open, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const NAME = segmentName(0);

/** Appends all kinds of records `times` times. */
function appended(storage: Storage, times: number): void {
  using(open(storage), (writer) => {
    writer.append(Array.from({ length: times }, () => EVERY_KIND).flat());
  });
}

/** What readers with and without an index find must be the same. */
function assertSame(storage: Storage, index: LineIndex): void {
  const all = [...readLedger(storage)];
  for (let from = 0; from <= all.length; from++) {
    assert.deepEqual([...placedRecords(storage, { from, index })], all.slice(from), `from @${from}`);
  }
  assert.deepEqual([...readBackward(storage, undefined, index)], all.toReversed());
  const [indexed, plain] = [recordLookup(storage, index), recordLookup(storage)];
  for (let offset = -1; offset <= all.length; offset++) {
    assert.deepEqual(indexed(offset), plain(offset), `@${offset}`);
  }
}

Deno.test("with an index, readers find the records of a segment while it grows", () => {
  const [storage, index] = [memoryStorage(), new LineIndex()];
  for (let i = 0; i < 3; i++) {
    appended(storage, 1);
    assertSame(storage, index);
  }
});

Deno.test("what was cut and written anew is found, also where its lines are others", () => {
  const [storage, index] = [memoryStorage(), new LineIndex()];
  appended(storage, 2);
  assertSame(storage, index);
  const size = storage.size(NAME);
  const cut = index.linesOf(storage, NAME)!.begin(EVERY_KIND.length + 1)!;
  storage.truncate(NAME, cut);
  // The same records in another order: the lines begin elsewhere, and the file is at least as long.
  using(open(storage), (writer) => {
    writer.append(EVERY_KIND.toReversed());
    writer.append(EVERY_KIND);
  });
  assert.ok(storage.size(NAME) > size);
  assertSame(storage, index);
});

Deno.test("a torn tail is passed over, and what follows damage is not hidden by the index", () => {
  const [storage, index] = [memoryStorage(), new LineIndex()];
  appended(storage, 1);
  assertSame(storage, index);
  const file = storage.append(NAME, false);
  file.write(new TextEncoder().encode('{"half":'));
  file.close();
  const count = EVERY_KIND.length;
  assert.equal([...placedRecords(storage, { from: 1, index })].length, count - 1);
  assert.equal([...readBackward(storage, undefined, index)].length, count);
});

Deno.test("a reader of the end does not read the whole segment again", () => {
  const [storage, index] = [memoryStorage(), new LineIndex()];
  appended(storage, 2000);
  const [newest] = readBackward(storage, undefined, index);
  const size = storage.size(NAME);
  let read = 0;
  const counting: Storage = {
    ...storage,
    read(name, at, length) {
      const bytes = storage.read(name, at, length);
      read += bytes.length;
      return bytes;
    },
  };
  for (let i = 0; i < 10; i++) {
    assert.equal([...readBackward(counting, undefined, index).take(1)][0]?.offset, newest?.offset);
  }
  assert.ok(size > 4_000_000 && read < size, `${read} of ${size} bytes`);
});
