// Limits for reading a ledger. They are checked while a file is read, and not only afterwards.

import assert from "node:assert/strict";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { joinedChunks } from "../../src/byte_chunks.ts";
import { segmentName, segmentNames, termsName } from "../../src/ledger/format.ts";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { salvage } from "../../src/ledger/salvage.ts";
import { readSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { folderStorage, type Storage } from "../../src/ledger/storage.ts";
import { segmentTerms } from "../../src/ledger/terms.ts";
import { EVERY_KIND, open, recordsIn, twoSegments, using } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { runProgram } from "../support/run_program.ts";
import { zstdBomb } from "../support/zstd_bomb.ts";

const GIGABYTE = 1_000_000_000;

function oneSegment(): MemoryStorage {
  const storage = memoryStorage();
  using(open(storage), (writer) => writer.append(EVERY_KIND));
  return storage;
}

Deno.test("the zstd bombs of these tests are valid", () => {
  const bytes = zstdDecompressSync(zstdBomb(300_000, 7));
  assert.deepEqual([bytes.length, new Set(bytes)], [3 * 128 * 1024, new Set([7])]);
});

Deno.test("a segment, a snapshot and terms that decompress to gigabytes are rejected before they fill the memory", () => {
  const storage = twoSegments();
  const bomb = zstdBomb(6 * GIGABYTE);
  assert.ok(bomb.length < 200_000, `${bomb.length} bytes`);
  storage.files.set(snapshotName(3), bomb);
  assert.match(String(readSnapshot(storage, snapshotName(3))), /more than \d+ bytes when decompressed/);
  const [name, after] = segmentNames(storage);
  storage.files.set(termsName(name!), bomb);
  assert.ok(segmentTerms(storage, name!, after!).terms.has("kind config"), "terms are made again");
  storage.files.delete(name!);
  storage.files.set(`${name}.zst`, bomb);
  assert.match(verifyLedger(storage)[0]!, /cannot be decompressed: more than \d+ bytes when decompressed/);
});

/** A storage whose first segment ends with many zeros and then `end`, and the largest read so far. */
function longer(
  storage: MemoryStorage,
  zeros: number,
  end: string,
): { storage: Storage; most: () => number } {
  const name = segmentName(0);
  const head = storage.files.get(name)!;
  const tail = new TextEncoder().encode(end);
  const size = head.length + zeros + tail.length;
  let most = 0;
  return {
    most: () => most,
    storage: {
      ...storage,
      size: () => size,
      read(_, at = 0, length = size) {
        most = Math.max(most, length);
        const bytes = new Uint8Array(Math.min(length, size - at));
        bytes.set(head.subarray(at, at + length));
        for (let i = 0; i < tail.length; i++) {
          const place = head.length + zeros + i - at;
          if (place >= 0 && place < bytes.length) bytes[place] = tail[i]!;
        }
        return bytes;
      },
    },
  };
}

Deno.test("a line that is too long for a record is rejected while it is read; at the end it is a torn tail", () => {
  const ended = longer(oneSegment(), 200_000_000, "\nmore\n");
  const size = oneSegment().size(segmentName(0));
  assert.deepEqual(verifyLedger(ended.storage), [
    `${segmentName(0)}:${EVERY_KIND.length + 2} (byte ${size}): a line of 200000000 bytes, at most 50331648`,
  ]);
  const torn = longer(oneSegment(), 200_000_000, "");
  assert.match(verifyLedger(torn.storage)[0]!, /torn tail of 200000000 bytes/);
  assert.deepEqual(recordsIn(torn.storage), EVERY_KIND);
  assert.ok(Math.max(ended.most(), torn.most()) <= 1024 * 1024, `${ended.most()} bytes at once`);
});

Deno.test("the whole lines at the beginning of a file that is too large for a segment are salvaged", () => {
  const { storage, most } = longer(oneSegment(), 2 * GIGABYTE, "");
  assert.match(verifyLedger(storage)[0]!, /a segment of \d+ bytes, at most \d+/);
  assert.throws(() => open(storage), /LedgerDamage/);
  assert.deepEqual([...salvage(storage)].map(({ record }) => record), EVERY_KIND);
  assert.ok(most() <= 1024 * 1024, `${most()} bytes at once`);
});

Deno.test("a line of a gigabyte in a compressed segment is rejected after its first bytes", async () => {
  const folder = await Deno.makeTempDir();
  {
    const storage = folderStorage(`${folder}/ledger`, true);
    using(open(storage), (writer) => writer.append(EVERY_KIND));
    const name = storage.names().find((name) => name.endsWith(".ndjson"))!;
    const head = zstdCompressSync(storage.read(name));
    const bomb = zstdBomb(GIGABYTE, 0x61);
    storage.remove(name);
    storage.write(`${name}.zst`, joinedChunks([head, bomb]));
  }
  const { stdout } = await runProgram("tests/support/peak_memory.ts", ["--allow-all"], `${folder}/ledger`);
  const { faults, kilobytes } = JSON.parse(stdout);
  assert.match(faults[0], /more than \d+ bytes when decompressed, without the end of a line/);
  assert.ok(kilobytes < 350_000, `${kilobytes} kB`);
  await Deno.remove(folder, { recursive: true });
});
