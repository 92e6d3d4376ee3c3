// The checkpoints of a running node: who verifies its ledger finds them, with the key that the auditor keeps.

import assert from "node:assert/strict";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { type LedgerVerdict, verifyPast } from "../../src/history/verify.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { CHECKPOINT_RECORDS } from "../../src/limits/ledger.ts";
import { CheckpointKeys } from "../../src/node/checkpoint_keys.ts";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { signedOnce } from "../support/signed_once.ts";

const TIME = "2026-11-23T09:26:10.000Z";

/** A folder with a ledger, and the first key of its checkpoints. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await test(folder);
  await Deno.remove(folder, { recursive: true });
}

const verdictOf = (folder: string, key?: string): LedgerVerdict =>
  verifyPast(
    ledgerView<SnapshotLine>(folderStorage(folder, false), snapshotMisfit),
    key === undefined ? {} : { key },
  ).verdict;

/** The names of the keys in `folder`. */
const keysIn = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".key")).sort();

/** Writes `count` records, as a node that is stopped then. Returns the key that signs next at the beginning. */
async function live(folder: string, count: number): Promise<string> {
  using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
  const append = (record: LedgerRecord) => void writer.append([record]);
  const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {});
  const { key } = await new CheckpointKeys(folder, writer.ledger).open();
  for (let i = 0; i < count; i++) {
    append({ ...appears(service(`shop/a${writer.next} 10.96.0.1 http:80/tcp`)), time: TIME });
  }
  await checkpoints.end();
  return key.signer.verifier;
}

Deno.test("a node that is stopped has signed everything, and the keys follow from the first one over all its lives", () =>
  inFolder(async (folder) => {
    const first = await live(folder, 3);
    await live(folder, 2);
    const last = await live(folder, 1);
    const { problems, checkpoints } = verdictOf(folder, first);
    assert.deepEqual([problems, checkpoints.count, checkpoints.through], [[], 3, 8]);
    assert.deepEqual(verdictOf(folder, last).problems, [], "and from a later one");
    assert.deepEqual(
      verdictOf(folder, checkpoints.key!).problems,
      [],
      "and from the one that an audit prints",
    );
    assert.deepEqual(verdictOf(folder, checkpoints.nextKey!).problems, [
      "no checkpoint is signed by the key that was given, or follows one that is",
    ]);
  }));

Deno.test("a node that is due to sign while it is stopped signs once, and its keys follow each other", () =>
  inFolder(async (folder) => {
    {
      using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
      const append = (record: LedgerRecord) => void writer.append([record]);
      const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {});
      append({ ...appears(service("shop/a 10.96.0.1 http:80/tcp")), time: TIME });
      let ended = false;
      const end = checkpoints.end().finally(() => ended = true);
      while (!ended) {
        checkpoints.wake();
        await new Promise((resolve) => setTimeout(resolve));
      }
      await end;
      await checkpoints.stop();
    }
    await live(folder, 1);
    const { problems, checkpoints } = verdictOf(folder);
    assert.deepEqual([problems, checkpoints.count], [[], 2]);
  }));

Deno.test("a running node signs after so many records, in steps that wait for the disk, and erases the key", () =>
  inFolder(async (folder) => {
    using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
    const append = (record: LedgerRecord) => void writer.append([record]);
    const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {});
    for (let i = 0; i < CHECKPOINT_RECORDS; i++) {
      append({ ...appears(service(`shop/a${i} 10.96.0.1 http:80/tcp`)), time: TIME });
    }
    const signed = () => verdictOf(folder).checkpoints.count;
    for (let steps = 0; steps < 10_000 && signed() === 0; steps++) {
      checkpoints.wake();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(signed(), 1);
    const keys = () => keysIn(folder);
    assert.deepEqual(keys(), ["00000000000000000000.key", "next.key"], "its record may not be durable");
    writer.sync();
    for (let steps = 0; steps < 10_000 && keys()[0] !== "00000000000000001001.key"; steps++) {
      checkpoints.wake();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(keys()[0], "00000000000000001001.key");
    await checkpoints.stop();
  }));

Deno.test("a node that is stopped during a sync signs, and waits for the next one, which makes that durable", () =>
  inFolder(async (folder) => {
    using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
    const append = (record: LedgerRecord) => void writer.append([record]);
    let syncs = 0;
    // A ledger takes no second sync while one is under way.
    const ledger = {
      ...{ ledger: writer.ledger, failure: undefined, sync: () => ++syncs > 1 && writer.sync() },
      get next() {
        return writer.next;
      },
      get place() {
        return writer.place;
      },
      get durable() {
        return writer.durable;
      },
    };
    const checkpoints = new Checkpoints(folder, ledger, append, () => TIME, () => {});
    append({ ...appears(service("shop/a 10.96.0.1 http:80/tcp")), time: TIME });
    await checkpoints.end();
    assert.equal(writer.durable, writer.next);
    assert.equal(keysIn(folder)[0], "00000000000000000002.key", "the one that signed is erased");
    await checkpoints.stop();
  }));

Deno.test("keys that another program removes while the node runs do not end the chain", () =>
  inFolder(async (folder) => {
    const first = await live(folder, 2);
    {
      using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
      const append = (record: LedgerRecord) => void writer.append([record]);
      const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {});
      append({ ...appears(service("shop/b 10.96.0.2 http:80/tcp")), time: TIME });
      const { next } = writer;
      await signedOnce(checkpoints, writer);
      assert.equal(writer.next, next + 1, "it has signed");
      for (const { name } of [...Deno.readDirSync(folder)]) {
        if (name.endsWith(".key")) Deno.removeSync(`${folder}/${name}`);
      }
      await checkpoints.end();
    }
    await live(folder, 1);
    const { problems, checkpoints } = verdictOf(folder, first);
    assert.deepEqual([problems, checkpoints.count], [[], 3]);
  }));

Deno.test("a crash between a checkpoint and the erasure of its key leaves a chain that goes on", () =>
  inFolder(async (folder) => {
    const first = await live(folder, 3);
    {
      using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
      const append = (record: LedgerRecord) => void writer.append([record]);
      append({ ...appears(service("shop/b 10.96.0.2 http:80/tcp")), time: TIME });
      const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {});
      await signedOnce(checkpoints, writer);
      await checkpoints.stop();
      // It ends here: the record is written, and its key is still there.
    }
    await live(folder, 1);
    const { problems, checkpoints } = verdictOf(folder, first);
    assert.deepEqual([problems, checkpoints.count], [[], 3]);
  }));

Deno.test("on a disk that is slow, a crash long after a checkpoint leaves a chain that goes on too", () =>
  inFolder(async (folder) => {
    const first = await live(folder, 3);
    {
      using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
      const append = (record: LedgerRecord) => void writer.append([record]);
      const event = { ...appears(service("shop/b 10.96.0.2 http:80/tcp")), time: TIME };
      append(event);
      const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {});
      await signedOnce(checkpoints, writer);
      await checkpoints.stop();
      // As long as the checkpoint is not durable nothing more is signed.
      for (let i = 0; i < 3 * CHECKPOINT_RECORDS; i++) append(event);
    }
    await live(folder, 1);
    const { problems, checkpoints } = verdictOf(folder, first);
    assert.deepEqual([problems, checkpoints.count], [[], 3]);
  }));

Deno.test("a ledger that is cut behind its last snapshot is found by the key that follows its checkpoint", () =>
  inFolder(async (folder) => {
    await live(folder, 3);
    const [name] = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
      name.endsWith(".ndjson")
    );
    const lines = Deno.readTextFileSync(`${folder}/${name}`).split("\n");
    for (const left of [1, 2, 3]) {
      Deno.writeTextFileSync(
        `${folder}/${name}`,
        lines.slice(0, 1 + left).map((line) => `${line}\n`).join(""),
      );
      assert.match(
        verdictOf(folder).problems.join(),
        new RegExp(`^@${left} to @3 are missing: 0+4\\.key shows`),
      );
    }
  }));
