// An archive: each closed segment once, whole, also where it was interrupted, and as readable as the ledger.

import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { archiveStorage, shipSegments } from "../../src/ledger/archive.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { segmentNames } from "../../src/ledger/format.ts";
import { replaceByCompressed } from "../../src/ledger/retention.ts";
import { asFolder, folderStorage, type Storage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { appears, slice } from "../support/cluster_notation.ts";

/** A ledger of segments with two records each, from 23:59:58 on, a second apart, and the folder of its archive. */
function ledgerOf(segments: number) {
  const folder = Deno.makeTempDirSync();
  const storage = folderStorage(`${folder}/ledger`, true);
  const grow = (from: number, to: number) => {
    using writer = new LedgerWriter(storage, { policy: "never" });
    for (let i = from; i < to; i++) {
      for (let n = 2 * i; n < 2 * i + 2; n++) {
        const time = new Date(Date.parse("2026-11-23T23:59:58Z") + 1000 * n).toISOString();
        writer.append([{ ...appears(slice(`shop/web-a http:80/tcp 10.244.0.${n + 1}`)), time }]);
      }
      if (i + 1 < to) atOnce(writer.disk.endSegment());
    }
  };
  grow(0, segments);
  return { folder, storage, archive: `${folder}/archive/ledger=x`, grow };
}

function pathsIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? pathsIn(`${folder}/${name}`).map((path) => `${name}/${path}`) : [name]
  ).sort();
}

Deno.test("closed segments are added once, by the day of their first record, and read as the ledger", () => {
  const { folder, storage, archive } = ledgerOf(3);
  assert.deepEqual(shipSegments(storage, archive).added.length, 2);
  const paths = [
    "day=2026-11-23/00000000000000000000.ndjson.zst",
    "day=2026-11-24/00000000000000000002.ndjson.zst",
  ];
  assert.deepEqual(pathsIn(archive), paths);
  assert.deepEqual(shipSegments(storage, archive), { added: [], kept: 2, problems: [] });
  const [all, archived] = [[...readLedger(storage)], [...openPast(archive).records()]];
  assert.deepEqual(archived, all.slice(0, 4));
  assert.deepEqual(verifyPast(openPast(archive)).verdict.problems, []);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("what an interruption left is not read and does no harm; later segments are added", () => {
  const { folder, storage, archive, grow } = ledgerOf(2);
  shipSegments(storage, archive);
  Deno.writeTextFileSync(`${archive}/day=2026-11-23/00000000000000000002.ndjson.zst.99.part`, "half");
  grow(2, 4);
  const { added, problems } = shipSegments(storage, archive);
  assert.deepEqual([added.length, problems], [segmentNames(storage).length - 2, []]);
  assert.deepEqual(verifyPast(openPast(archive)).verdict.problems, []);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("records that were removed before they were archived are named, and so is another ledger's segment", () => {
  const { folder, storage, archive, grow } = ledgerOf(2);
  shipSegments(storage, archive);
  grow(2, 5);
  for (const name of segmentNames(storage).slice(0, 2)) storage.remove(name);
  assert.match(
    shipSegments(storage, archive).problems.join(),
    /^@2 to @5 were removed from the ledger before they were archived$/,
  );
  const other = ledgerOf(2);
  assert.match(
    shipSegments(other.storage, archive).problems.join(),
    /00000000000000000000\.ndjson\.zst is not the segment of this ledger; it stays as it is/,
  );
  for (const one of [folder, other.folder]) Deno.removeSync(one, { recursive: true });
});

Deno.test("that retention removed what was archived is no problem", () => {
  const { folder, storage, archive, grow } = ledgerOf(2);
  shipSegments(storage, archive);
  grow(2, 4);
  storage.remove(segmentNames(storage)[0]!);
  assert.deepEqual(shipSegments(storage, archive).problems, []);
  assert.deepEqual(shipSegments(storage, archive).problems, []);
  assert.deepEqual(verifyPast(openPast(archive)).verdict.problems, []);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("segments that are compressed or removed while they are archived are added once, or named", () => {
  const { folder, storage, archive } = ledgerOf(4);
  const names = segmentNames(storage);
  let meanwhile: (() => void) | undefined = () => {
    for (const name of names.slice(0, 3)) {
      atOnce(
        replaceByCompressed(asFolder(storage), name, new Uint8Array(zstdCompressSync(storage.read(name)))),
      );
    }
  };
  /** The folder, in which something happens just before the first content is read. */
  const changing: Storage = {
    ...storage,
    read(...asked) {
      const happens = meanwhile;
      meanwhile = undefined;
      happens?.();
      return storage.read(...asked);
    },
  };
  assert.deepEqual(shipSegments(changing, archive), {
    added: names.slice(0, 3).map((n) => `${n}.zst`),
    kept: 0,
    problems: [],
  });
  assert.deepEqual(verifyPast(openPast(archive)).verdict.problems, []);
  meanwhile = () => storage.remove(`${names[0]}.zst`);
  assert.deepEqual(shipSegments(changing, archive), { added: [], kept: 3, problems: [] });
  Deno.removeSync(archive, { recursive: true });
  meanwhile = () => storage.remove(`${names[1]}.zst`);
  assert.deepEqual(
    shipSegments(changing, archive).added,
    [`${names[2]}.zst`],
    "what is there now is archived",
  );
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a segment that is damaged is not added, and an altered archive is found", () => {
  const { folder, storage, archive } = ledgerOf(3);
  const [, second] = segmentNames(storage) as [string, string];
  const whole = storage.read(second);
  Deno.writeFileSync(
    `${storage.path}/${second}`,
    whole.with(whole.length >> 1, whole[whole.length >> 1]! ^ 4),
  );
  assert.throws(() => shipSegments(storage, archive), isLedgerDamage);
  assert.deepEqual(pathsIn(archive), ["day=2026-11-23/00000000000000000000.ndjson.zst"]);
  Deno.writeFileSync(`${storage.path}/${second}`, whole);
  shipSegments(storage, archive);
  const path = `${archive}/day=2026-11-24/00000000000000000002.ndjson.zst`;
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length - 30]! ^= 1;
  Deno.writeFileSync(path, bytes);
  assert.notDeepEqual(verifyPast(openPast(archive)).verdict.problems, []);
  assert.throws(() => archiveStorage(archive)!.remove("x"), /is an archive, which is not written/);
  Deno.removeSync(folder, { recursive: true });
});
