// Shipping by a command where the program is interrupted, and what the command gets. The command line is in archive_test.ts.

import assert from "node:assert/strict";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { segmentNames } from "../../src/ledger/format.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { shipByCommand } from "../../src/node/ship_by_command.ts";
import { appears, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { timeAt } from "../support/past.ts";

/** A ledger of two closed segments, the second with a checkpoint, and one that grows. */
function ledger() {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  writer.append([appears(slice("shop/web-a http:80/tcp 10.244.0.1"))]);
  atOnce(writer.disk.endSegment());
  const reason = "checkpoint 0 of the records before @1";
  writer.append([{ kind: "gap", time: timeAt(4), reason, records: 0, checkpoint: "note\n\n— signature\n" }]);
  atOnce(writer.disk.endSegment());
  writer.append([appears(slice("shop/web-a http:80/tcp 10.244.0.2"))]);
  writer.sync();
  return storage;
}

Deno.test("what was shipped when the state could not be written is shipped again, with the same bytes", async () => {
  const folder = Deno.makeTempDirSync();
  const storage = ledger();
  const command = `cat >> "${folder}/$(basename "$LEDGERPROXY_PATH")"`;
  Deno.mkdirSync(`${folder}/state.new`);
  await assert.rejects(shipByCommand(storage, { path: "ledger=x", command, state: `${folder}/state` }));
  const [first] = segmentNames(storage);
  const once = Deno.readFileSync(`${folder}/${first}.zst`);
  Deno.removeSync(`${folder}/state.new`);
  const { added, problems } = await shipByCommand(storage, {
    path: "ledger=x",
    command,
    state: `${folder}/state`,
  });
  assert.deepEqual([added, problems], [segmentNames(storage).slice(0, 2).map((name) => `${name}.zst`), []]);
  assert.deepEqual(Deno.readFileSync(`${folder}/${first}.zst`), new Uint8Array([...once, ...once]));
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("the command knows the path, and the checkpoint that the segment has", async () => {
  const folder = Deno.makeTempDirSync();
  const command =
    `cat > "${folder}/input"; printf '%s|%s;' "$LEDGERPROXY_PATH" "$LEDGERPROXY_CHECKPOINT" >> "${folder}/seen"`;
  await shipByCommand(ledger(), { path: "ledger=x", command, state: `${folder}/state` });
  assert.deepEqual(
    Deno.readTextFileSync(`${folder}/seen`),
    "ledger=x/day=2026-01-01/00000000000000000000.ndjson.zst|;" +
      "ledger=x/day=2026-11-23/00000000000000000001.ndjson.zst|note\n\n— signature\n;",
  );
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a state of which the disk takes a part at a time is whole, and nothing is shipped twice", async () => {
  const folder = Deno.makeTempDirSync();
  const storage = ledger();
  const target = { path: "ledger=x", command: "cat > /dev/null", state: `${folder}/state` };
  const { writeSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.writeSync = function (bytes) {
    return writeSync.call(this, bytes.subarray(0, 10));
  };
  try {
    assert.equal((await shipByCommand(storage, target)).added.length, 2);
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
  assert.deepEqual((await shipByCommand(storage, target)).added, []);
  Deno.removeSync(folder, { recursive: true });
});
