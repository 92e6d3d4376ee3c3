// A disk that fails while records are appended. The records wait, and are written once it works.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { LedgerOverflow } from "../../src/ledger/writer.ts";
import { EVERY_KIND, open, recordsIn, using } from "../support/ledger_records.ts";
import { memoryStorage, storageError } from "../support/memory_storage.ts";

Deno.test("while the disk fails records wait, and are written with their offsets once it works", () => {
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
      assert.deepEqual(places, EVERY_KIND.slice(2).map((_, i) => i + 2), "the offsets continue");
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

Deno.test("after a failed sync the file is not used again, and records that were not durable are written to another", () => {
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

Deno.test("a full disk that erases what it refuses to cut off leaves no damage for the next start", () => {
  const storage = memoryStorage();
  const room = () => [...storage.files.values()].reduce((sum, { length }) => sum + length, 0);
  const writer = open(storage);
  writer.append(EVERY_KIND.slice(0, 3));
  const [file] = storage.names();
  const whole = storage.size(file!);
  const full = room();
  storage.fault = (call) => {
    if (call === "write" || call === "create") {
      if (room() >= full) throw storageError("ENOSPC");
    } else if (call === "truncate") {
      // As btrfs does: to the end of the page.
      storage.files.get(file!)!.fill(0, whole, whole + 100);
      throw storageError("ENOSPC");
    }
  };
  // Several lines, the first of which are written whole.
  writer.append([...EVERY_KIND, ...EVERY_KIND]);
  for (let again = 0; again < 3; again++) writer.sync();
  assert.ok(writer.failure !== undefined && storage.size(file!) > whole);
  // The process is killed.
  const left = memoryStorage(storage.files);
  using(open(left), (writer) => assert.equal(writer.failure, undefined));
  const records = recordsIn(left);
  assert.ok(records.length >= 3);
  assert.deepEqual(
    records,
    [...EVERY_KIND.slice(0, 3), ...EVERY_KIND, ...EVERY_KIND].slice(0, records.length),
  );
});

Deno.test("a segment without durable records is made again", () => {
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

Deno.test("the policy `always` syncs with each append, `interval` when asked, `never` not at all", () => {
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

Deno.test("with the policy always a failed write stays a failure, and the bound on what waits is an error", () => {
  const storage = memoryStorage();
  using(open(storage, { policy: "always", unwrittenBytes: 1000 }), (writer) => {
    storage.fault = (call) => {
      if (call === "write") throw storageError("ENOSPC");
    };
    writer.append(EVERY_KIND.slice(0, 1));
    assert.deepEqual(writer.failure, { reason: "ENOSPC for a test", records: 1 });
    assert.throws(() => writer.append(EVERY_KIND.slice(1)), LedgerOverflow);
    storage.fault = () => {};
    writer.sync();
    assert.equal(writer.failure, undefined);
  });
});
