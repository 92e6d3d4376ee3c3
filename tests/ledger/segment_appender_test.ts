// A disk that fails while records are appended: they wait, and are written when it works.

import assert from "node:assert/strict";
import { segmentName } from "../../src/ledger/format.ts";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { EVERY_KIND, open, recordsIn, using } from "../support/ledger_records.ts";
import { memoryStorage, storageError } from "../support/memory_storage.ts";

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
