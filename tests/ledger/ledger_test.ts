// The ledger: what was appended is read back, what is damaged is said, and nothing in between.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  canonicalJson,
  decodeRecord,
  encodeRecord,
  genesisChain,
  segmentName,
} from "../../src/ledger/format.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { retain } from "../../src/ledger/retention.ts";
import { encodeSnapshot, newestSnapshot, snapshotName } from "../../src/ledger/snapshot.ts";
import { isLedgerDamage } from "../../src/ledger/segment.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerLocked, LedgerOverflow, LedgerWriter, type WriterOptions } from "../../src/ledger/writer.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { type MemoryStorage, memoryStorage, storageError } from "../support/memory_storage.ts";

const TIME = "2026-11-23T09:26:10.000Z";
const ID = "0123456789abcdef";
const FIXTURE = new URL("../../fixtures/ledgers/v1", import.meta.url).pathname;

/** One record of every kind. */
const EVERY_KIND: readonly LedgerRecord[] = [
  { kind: "config", time: TIME, version: "0.1.0", nodeName: "node-a" },
  appears(service("shop/web 10.96.0.1 http:80/tcp")),
  appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")),
  vanishes(service("shop/web 10.96.0.1 http:80/tcp")),
  {
    kind: "commit",
    time: TIME,
    from: 0,
    through: 3,
    digest: "ab".repeat(32),
    outcome: "rejected",
    error: "the kernel rejected delete element ip ledgerproxy cluster-ips { 10.96.0.1 } (ENOENT)",
    changes: [{
      verb: "delete",
      set: "ip ledgerproxy cluster-ips",
      key: "10.96.0.1",
      cause: 3,
      comment: "shop/web",
    }],
    changesOmitted: 0,
    operations: 3,
    microseconds: 45,
    generation: 17,
  },
  {
    kind: "drift",
    time: TIME,
    process: "nft",
    pid: 4711,
    changes: ["delete table ip ledgerproxy"],
    response: "rebuilt",
  },
  { kind: "gap", time: TIME, reason: "no space left on device", records: 12 },
];

const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const open = (storage: ReturnType<typeof memoryStorage>, options: Partial<WriterOptions> = {}) =>
  new LedgerWriter(storage, { policy: "interval", ledger: ID, ...options });
const recordsIn = (storage: ReturnType<typeof memoryStorage>) =>
  [...readLedger(storage)].map(({ record }) => record);

/** Two segments, with `records` written one by one. */
function twoSegments(records = EVERY_KIND) {
  const storage = memoryStorage();
  using writer = open(storage, { segmentBytes: 1500 });
  for (const record of records) writer.append([record]);
  assert.ok(storage.files.size >= 2);
  return storage;
}

Deno.test("every kind of record is read back as it was appended, over several segments", () => {
  assert.deepEqual(recordsIn(twoSegments()), EVERY_KIND);
});

Deno.test("decode(encode(x)) = x for any JSON value in a record, and the order of keys does not show", () => {
  const reversed = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).reverse().map(([key, field]) => [key, reversed(field)]));
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false } as never), fc.nat(), (value, offset) => {
    const plain = JSON.parse(JSON.stringify(value).replaceAll("-0", "0"));
    const record = { ...EVERY_KIND[1], value: plain } as LedgerRecord;
    const { line, chain } = encodeRecord(offset, record, genesisChain(ID));
    const decoded = decodeRecord(new TextEncoder().encode(line.trimEnd()), offset, genesisChain(ID));
    assert.deepEqual(decoded, { offset, record, chain });
    assert.equal(canonicalJson(reversed(plain)), canonicalJson(plain));
    assert.deepEqual(JSON.parse(line).value, plain, "a line is JSON for jq");
  }));
});

Deno.test("appending goes on where an earlier writer ended, in the same chain", () => {
  const once = memoryStorage();
  using(open(once), (writer) => writer.append(EVERY_KIND));
  const twice = memoryStorage();
  using(open(twice), (writer) => writer.append(EVERY_KIND.slice(0, 3)));
  using(open(twice), (writer) => assert.equal(writer.append(EVERY_KIND.slice(3)), 3));
  assert.deepEqual(text(twice.files.get(segmentName(0))!), text(once.files.get(segmentName(0))!));
});

function using<T extends Disposable>(resource: T, use: (resource: T) => void): void {
  using held = resource;
  use(held);
}

Deno.test("every truncation of the last segment is recovered as a prefix, said so, and written on", () => {
  const whole = twoSegments();
  const last = whole.names().at(-1)!;
  const bytes = whole.files.get(last)!;
  for (let length = 0; length < bytes.length; length++) {
    const cut = memoryStorage(whole.files);
    cut.truncate(last, length);
    const before = recordsIn(cut);
    assert.deepEqual(before, EVERY_KIND.slice(0, before.length), `cut at ${length}`);
    const wholeLines = text(bytes.subarray(0, length)).split("\n").length - 1;
    const firstOfLast = Number(last.slice(0, 20));
    assert.equal(
      before.length,
      firstOfLast + Math.max(0, wholeLines - 1),
      `cut at ${length}: no whole record is lost`,
    );
    using(open(cut), (writer) => {
      assert.equal(writer.torn !== undefined, bytes[length - 1] !== 0x0a, `cut at ${length}`);
      writer.append(EVERY_KIND.slice(before.length));
    });
    assert.deepEqual(recordsIn(cut), EVERY_KIND, `cut at ${length}, then written on`);
    assert.deepEqual(verifyLedger(cut), []);
  }
});

Deno.test("every flipped byte is found: a prefix is read, and the place is named", () => {
  const whole = twoSegments();
  for (const name of whole.names()) {
    for (let at = 0; at < whole.size(name); at++) {
      const flipped = memoryStorage(whole.files);
      flipped.files.get(name)![at]! ^= 0x01;
      const read: LedgerRecord[] = [];
      try {
        for (const { record } of readLedger(flipped)) read.push(record);
      } catch (error) {
        assert.ok(isLedgerDamage(error), `${name} byte ${at}: ${error}`);
        assert.match(error.message, /^\d{20}\.ndjson:\d+ \(byte \d+\): /);
      }
      assert.deepEqual(read, EVERY_KIND.slice(0, read.length), `${name} byte ${at}`);
      assert.equal(verifyLedger(flipped).length, 1, `${name} byte ${at} is noticed`);
    }
  }
});

Deno.test("a record taken out, a segment taken out, and a segment of another ledger are noticed", () => {
  const without = twoSegments();
  const first = without.names()[0]!;
  const lines = text(without.read(first)).split("\n");
  without.files.set(first, new TextEncoder().encode([...lines.slice(0, 2), ...lines.slice(3)].join("\n")));
  assert.match(verifyLedger(without)[0]!, /hash chain/);

  const many = twoSegments([...EVERY_KIND, ...EVERY_KIND, ...EVERY_KIND]);
  many.files.delete(many.names()[1]!);
  assert.match(verifyLedger(many)[0]!, /records from \d+ on are missing/);

  const mixed = twoSegments();
  const foreign = memoryStorage();
  using(
    new LedgerWriter(foreign, { policy: "never", ledger: "f".repeat(16) }),
    (writer) => writer.append(EVERY_KIND),
  );
  mixed.files.set(mixed.names()[0]!, foreign.read(foreign.names()[0]!));
  assert.match(verifyLedger(mixed)[0]!, /belongs to ledger 0123456789abcdef, not ffffffffffffffff/);
});

Deno.test("one record changed, removed, reordered or cut anywhere is found, and its place named", () => {
  const whole = twoSegments();
  const resealed = (line: string) => {
    const covered = line.slice(0, line.indexOf(',"crc"')).replace('"kind":"', '"kind":"x');
    return `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
  };
  const tamperings: Record<string, (lines: string[], i: number) => string[]> = {
    changed: (lines, i) => lines.with(i, resealed(lines[i]!)),
    removed: (lines, i) => lines.toSpliced(i, 1),
    reordered: (lines, i) => lines.toSpliced(i, 2, lines[i + 1]!, lines[i]!),
    cut: (lines, i) => lines.with(i, lines[i]!.slice(0, 40)),
  };
  let tried = 0;
  for (const name of whole.names()) {
    const lines = text(whole.read(name)).trimEnd().split("\n");
    for (const [what, tamper] of Object.entries(tamperings)) {
      for (let i = 1; i < lines.length; i++) {
        const last = i === lines.length - 1;
        if (last && what === "reordered") continue;
        const storage = memoryStorage(new Map(whole.files));
        storage.files.set(name, new TextEncoder().encode(`${tamper(lines, i).join("\n")}\n`));
        const [problem] = verifyLedger(storage);
        // What is cut off the very end is a torn tail, or no longer there at all: then only the kernel's position tells.
        if (last && name === whole.names().at(-1)) {
          if (what === "cut") assert.match(problem!, /torn tail/);
          if (what !== "changed") continue;
        }
        assert.ok(problem !== undefined, `${name}: line ${i + 1} ${what}`);
        // A segment whose last record is gone or torn is named by the next one.
        const place = last && what !== "changed" ? /^\d{20}\.ndjson:1 / : new RegExp(`^${name}:${i + 1} `);
        assert.match(problem, place, what);
        tried++;
      }
    }
  }
  assert.ok(tried > 10, `${tried} places`);
});

Deno.test("a newer format version is refused with advice", () => {
  const storage = memoryStorage();
  using(open(storage), (writer) => writer.append(EVERY_KIND));
  const [header, ...rest] = text(storage.read(segmentName(0))).split("\n") as [string, ...string[]];
  const covered = header.slice(0, header.indexOf(',"crc"')).replace('"version":1', '"version":2');
  const sealed = `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
  storage.files.set(segmentName(0), new TextEncoder().encode([sealed, ...rest].join("\n")));
  assert.match(verifyLedger(storage)[0]!, /format version 2; this program reads version 1: use a newer one/);
});

Deno.test("while the disk fails records wait, and are written with their offsets when it works", () => {
  for (
    const fails of [["write"], ["create"], ["write", "truncate"], ["write", "create", "truncate", "lock"]]
  ) {
    const storage = memoryStorage();
    let broken = false;
    storage.fault = (call) => {
      if (broken && fails.includes(call)) throw storageError("ENOSPC");
    };
    using(open(storage, { segmentBytes: 900 }), (writer) => {
      writer.append(EVERY_KIND.slice(0, 2));
      broken = true;
      const places = EVERY_KIND.slice(2).map((record) => writer.append([record]));
      assert.deepEqual(places, EVERY_KIND.slice(2).map((_, i) => i + 2), "offsets go on");
      if (fails.includes("write")) {
        assert.deepEqual(writer.failure, { reason: "ENOSPC for a test", records: EVERY_KIND.length - 2 });
      }
      writer.sync();
      broken = false;
      writer.sync();
      assert.equal(writer.failure, undefined);
    });
    assert.deepEqual(recordsIn(storage), EVERY_KIND, fails.join());
    assert.deepEqual(verifyLedger(storage), []);
  }
});

Deno.test("too much that waits is an error, and a disk that is full from the start is none", () => {
  const storage = memoryStorage();
  storage.fault = () => {
    throw storageError("EROFS");
  };
  using(open(storage, { unwrittenBytes: 1000 }), (writer) => {
    writer.append(EVERY_KIND.slice(0, 1));
    assert.deepEqual(writer.failure, { reason: "EROFS for a test", records: 1 });
    assert.throws(() => writer.append(EVERY_KIND), LedgerOverflow);
    storage.fault = () => {};
  });
  assert.deepEqual(recordsIn(storage), [EVERY_KIND[0], ...EVERY_KIND], "what waited is written all the same");
});

Deno.test("after a failed sync the file is not used again, and what was not durable is written to another", () => {
  const storage = memoryStorage();
  using(open(storage), (writer) => {
    writer.append(EVERY_KIND.slice(0, 1));
    writer.sync();
    writer.append(EVERY_KIND.slice(1, 3));
    storage.fault = (call) => {
      if (call === "sync") throw storageError("EIO");
    };
    writer.sync();
    assert.deepEqual(writer.failure, { reason: "EIO for a test", records: 2 });
    storage.fault = () => {};
    writer.append(EVERY_KIND.slice(3));
  });
  assert.deepEqual(recordsIn(storage), EVERY_KIND);
  assert.deepEqual(storage.names(), [segmentName(0), segmentName(1)]);
});

/** Stops the writer as the power does. */
class PowerCut extends Error {}

/** Makes a snapshot of the first records: at once, or while others are appended. */
type MakeSnapshot = (writer: LedgerWriter, lines: readonly LedgerRecord[]) => void | Promise<void>;
const SNAPSHOTS: Readonly<Record<string, MakeSnapshot>> = {
  "at once": (writer, lines) => writer.snapshot(lines, KEEP_ALL, 0),
  "in steps": (writer, lines) => writer.snapshotInSteps(lines, KEEP_ALL, 0),
};

for (const [how, makeSnapshot] of Object.entries(SNAPSHOTS)) {
  Deno.test(`power cut at any call, after any failure: a prefix remains, and in it all that was synced (snapshot ${how})`, () =>
    cutPower(makeSnapshot));
}

async function cutPower(makeSnapshot: MakeSnapshot): Promise<void> {
  const script = async (storage: MemoryStorage, cutAt: number, failAt: number) => {
    let calls = 0;
    let synced = 0;
    storage.fault = () => {
      if (++calls >= cutAt) throw new PowerCut();
      if (calls === failAt) throw storageError("EIO");
    };
    let snapshot: void | Promise<void> = undefined;
    try {
      const writer = open(storage, { segmentBytes: 700 });
      EVERY_KIND.forEach((record, i) => {
        writer.append([record]);
        if (i === 3) snapshot = makeSnapshot(writer, EVERY_KIND.slice(0, 4));
        if (i % 2 === 0) return;
        writer.sync();
        if (writer.failure === undefined) synced = i + 1;
      });
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    try {
      await snapshot;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    return { synced, calls };
  };
  const { calls } = await script(memoryStorage(), Infinity, Infinity);
  assert.ok(calls > 20, `${calls} calls`);
  for (let cutAt = 1; cutAt <= calls + 1; cutAt++) {
    for (let failAt = 0; failAt < cutAt; failAt++) {
      const storage = memoryStorage();
      const { synced } = await script(storage, cutAt, failAt);
      for (const share of [0, 0.5, 1]) {
        const left = memoryStorage(storage.files);
        for (const [name, bytes] of storage.files) {
          const durable = storage.synced.get(name) ?? 0;
          left.files.set(name, bytes.slice(0, durable + Math.floor((bytes.length - durable) * share)));
        }
        const where = `cut at ${cutAt}, EIO at ${failAt}, ${share} of what was not synced`;
        const snapshot = newestSnapshot<LedgerRecord>(left);
        const known = [...snapshot?.lines ?? []];
        const onRecord = (_: Offset, record: LedgerRecord) => void known.push(record);
        using(open(left, { ...(snapshot ? { behind: snapshot } : {}), onRecord }), (writer) => {
          assert.equal(writer.next, known.length, where);
          assert.deepEqual(known, EVERY_KIND.slice(0, known.length), where);
          assert.ok(known.length >= synced, `${where}: ${known.length} of ${synced}`);
          writer.append(EVERY_KIND.slice(writer.next));
        });
        assert.deepEqual(recordsIn(left), EVERY_KIND, where);
      }
    }
  }
}

Deno.test("a snapshot in steps is of the moment it was begun; the one of a writer that ends meanwhile is left", async () => {
  for (const ends of [false, true]) {
    const storage = memoryStorage();
    const writer = open(storage);
    const before = EVERY_KIND.slice(0, 4);
    writer.append(before);
    const snapshot = writer.snapshotInSteps(before, KEEP_ALL, 0);
    writer.append(EVERY_KIND.slice(4));
    if (ends) writer[Symbol.dispose]();
    await snapshot;
    assert.deepEqual(
      storage.names(),
      ends ? [segmentName(0), segmentName(4)] : [`${segmentName(0)}.zst`, segmentName(4), snapshotName(4)],
    );
    assert.deepEqual(newestSnapshot(storage)?.lines, ends ? undefined : before);
    assert.deepEqual(recordsIn(storage), EVERY_KIND);
    writer[Symbol.dispose]();
  }
});

Deno.test("behind a snapshot the past is compressed, and what is beyond retention goes with its snapshots", () => {
  const storage = memoryStorage();
  const records = Array.from(
    { length: 40 },
    (_, i) => ({ ...EVERY_KIND[0]!, nodeName: `node-${i}` }),
  ) as LedgerRecord[];
  using(open(storage), (writer) => {
    for (const [i, record] of records.entries()) {
      writer.append([record]);
      if (i % 10 === 9) writer.snapshot(records.slice(0, i + 1), KEEP_ALL, 0);
    }
    writer.append([records[0]!]);
  });
  const [segment, snapshot] = [(first: number) => segmentName(first), (next: number) => snapshotName(next)];
  const compressed = [0, 10, 20, 30].map((first) => `${segment(first)}.zst`);
  assert.deepEqual(
    storage.names().toSorted(),
    [...compressed, segment(40), ...[10, 20, 30, 40].map(snapshot)].toSorted(),
  );
  assert.deepEqual(recordsIn(storage), [...records, records[0]]);

  const old = memoryStorage(storage.files);
  compressed.forEach((name, i) => old.times.set(name, 1000 * i));
  assert.deepEqual(retain(old, { bytes: Infinity, milliseconds: 1500 }, 2600), [
    compressed[0],
    compressed[1],
    snapshot(10),
  ]);
  assert.deepEqual(recordsIn(old), [...records.slice(20), records[0]]);
  assert.deepEqual(retain(old, { bytes: 0, milliseconds: Infinity }, 0), [
    ...[compressed[2], snapshot(20), compressed[3], snapshot(30)],
  ], "HEAD and what it needs stay");
  assert.deepEqual(newestSnapshot<LedgerRecord>(old)?.lines, records);
  assert.deepEqual(recordsIn(old), [records[0]]);
});

Deno.test("two years of churn stay within the bounds, and what is kept can be folded", () => {
  const storage = memoryStorage();
  const [day, most] = [24 * 3600 * 1000, 20_000];
  const record = (i: number) => ({ ...EVERY_KIND[0]!, nodeName: `node-${i}` }) as LedgerRecord;
  using(open(storage), (writer) => {
    for (let now = 0; now < 730; now++) {
      const first = segmentName(writer.next);
      for (let i = 0; i < 10; i++) writer.append([record(10 * now + i)]);
      storage.times.set(`${first}.zst`, now * day);
      writer.snapshot([{ through: writer.next - 1 }], { bytes: most, milliseconds: 30 * day }, now * day);
      const size = [...storage.files.values()].reduce((sum, { length }) => sum + length, 0);
      assert.ok(size <= most + 5000, `day ${now}: ${size} bytes`);
    }
  });
  const kept = [...readLedger(storage)];
  assert.ok(kept.length >= 10 && kept.length <= 310, `${kept.length} records`);
  assert.deepEqual(newestSnapshot<unknown>(storage, kept[0]!.offset)?.lines, [{
    through: kept[0]!.offset - 1,
  }]);
  assert.deepEqual(kept.at(-1)!.record, record(7299));
});

Deno.test("a snapshot that is not whole is none: the one before it, or the log alone, is used", () => {
  const storage = twoSegments();
  const place = { ledger: ID, chain: "ab".repeat(32) };
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

Deno.test("a segment of which nothing was durable is made anew", () => {
  const storage = memoryStorage();
  using(open(storage), (writer) => {
    writer.append(EVERY_KIND.slice(0, 1));
    let syncs = 0;
    storage.fault = (call) => {
      if (call === "sync" && syncs++ === 0) throw storageError("EIO");
    };
    writer.sync();
    writer.append(EVERY_KIND.slice(1));
  });
  assert.deepEqual(recordsIn(storage), EVERY_KIND);
  assert.deepEqual(storage.names(), [segmentName(0)]);
});

Deno.test("policy always syncs with every append, interval when asked, never not at all", () => {
  for (const [policy, expected] of [["always", 1], ["interval", 0], ["never", 0]] as const) {
    const storage = memoryStorage();
    using(open(storage, { policy }), (writer) => {
      writer.append(EVERY_KIND.slice(0, 1));
      let syncs = 0;
      storage.fault = (call) => void (syncs += call === "sync" ? 1 : 0);
      writer.append(EVERY_KIND.slice(1));
      assert.equal(syncs, expected, policy);
      writer.sync();
      assert.equal(syncs, policy === "never" ? 0 : 1, policy);
    });
  }
});

Deno.test("a second writer is told who holds the ledger", async () => {
  const folder = await Deno.makeTempDir();
  {
    using _first = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
    assert.throws(
      () => new LedgerWriter(folderStorage(folder, false), { policy: "never" }),
      (error) => error instanceof LedgerLocked && error.message.includes(`process ${Deno.pid}`),
    );
  }
  using(new LedgerWriter(folderStorage(folder, false), { policy: "never" }), () => {});
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a real folder behaves as the one in memory, and is private", async () => {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/ledger`;
  const [real, memory] = [folderStorage(folder, true), memoryStorage()];
  for (const storage of [real, memory]) {
    using(new LedgerWriter(storage, { policy: "always", ledger: ID, segmentBytes: 600 }), (writer) => {
      for (const record of EVERY_KIND) writer.append([record]);
    });
  }
  const segments = real.names().filter((name) => name.endsWith(".ndjson"));
  assert.deepEqual(segments, memory.names());
  for (const name of segments) assert.deepEqual(real.read(name), memory.read(name));
  assert.equal(Deno.statSync(folder).mode! & 0o777, 0o700);
  for (const name of real.names()) assert.equal(Deno.statSync(`${folder}/${name}`).mode! & 0o777, 0o600);
  real.truncate(segments.at(-1)!, real.size(segments.at(-1)!) - 5);
  assert.equal(verifyLedger(real).length, 1);
  await Deno.remove(parent, { recursive: true });
});

Deno.test("what append returned for survives SIGKILL of the writer", async () => {
  const folder = await Deno.makeTempDir();
  const script = new URL("../support/append_forever.ts", import.meta.url).pathname;
  for (let round = 0; round < 3; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, folder],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let told = "";
    while (told.split("\n").length < 50 * (round + 1)) told += (await reader.read()).value ?? "";
    child.kill("SIGKILL");
    for (let part; !(part = await reader.read()).done;) told += part.value;
    await child.status;
    const last = Number(told.trimEnd().split("\n").filter((line) => line !== "").at(-1));
    const offsets = [...readLedger(folderStorage(folder, false))].map(({ offset }) => offset);
    assert.ok(offsets.length > last, `${offsets.length} records, ${last} was acknowledged`);
    assert.deepEqual(offsets, offsets.map((_, i) => i));
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the frozen ledger of format version 1 reads as ever and is written to the same bytes", () => {
  const storage = folderStorage(FIXTURE, false);
  assert.deepEqual([...readLedger(storage)].map(({ record }) => record), EVERY_KIND);
  const again = memoryStorage();
  using(open(again), (writer) => writer.append(EVERY_KIND));
  assert.equal(text(storage.read(segmentName(0))), text(again.read(segmentName(0))));
});
