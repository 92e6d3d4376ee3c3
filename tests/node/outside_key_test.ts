// Checkpoints that are signed with a key from outside: from the beginning, and behind keys of the node.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { type LedgerVerdict, verifyPast } from "../../src/history/verify.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import { CheckpointKeys } from "../../src/node/checkpoint_keys.ts";
import { type OutsideKey, outsideKey } from "../../src/node/outside_key.ts";
import { UsageError } from "../../src/node/usage_error.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { signedOnce } from "../support/signed_once.ts";

const TIME = "2026-11-23T09:26:10.000Z";
const ID = "0123456789abcdef";
const NOTE =
  /^the checkpoints from @\d+ on are signed with a key that is not erased: who has it can sign them anew$/;

/** A folder for a ledger, and a key in a file beside it. */
async function withKey(test: (folder: string, key: OutsideKey) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const { privateKey } = generateKeyPairSync("ed25519");
  Deno.writeTextFileSync(`${folder}/key.pem`, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  await test(`${folder}/ledger`, outsideKey(`${folder}/key.pem`));
  await Deno.remove(folder, { recursive: true });
}

const verdictOf = (folder: string, key: string): LedgerVerdict =>
  verifyPast(ledgerView<SnapshotLine>(folderStorage(folder, false), snapshotMisfit), { key }).verdict;

const keyFiles = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".key"));

/** A life of a node. With `crash` it ends once it has signed, before it can erase anything. */
async function live(folder: string, key?: OutsideKey, crash = false): Promise<void> {
  using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval", ledger: ID });
  const append = (record: LedgerRecord) => void writer.append([record]);
  const checkpoints = new Checkpoints(folder, writer, append, () => TIME, () => {}, Promise.resolve(), key);
  append({ ...appears(service(`shop/a${writer.next} 10.96.0.1 http:80/tcp`)), time: TIME });
  if (!crash) return await checkpoints.end();
  await signedOnce(checkpoints, writer);
  await checkpoints.stop();
}

Deno.test("it signs over all lives of a node, no key is in the folder, and verify says what that means", () =>
  withKey(async (folder, key) => {
    for (let lives = 0; lives < 3; lives++) await live(folder, key, lives === 1);
    const { problems, notes, checkpoints } = verdictOf(folder, key(ID).verifier);
    assert.deepEqual([problems, checkpoints.count, keyFiles(folder)], [[], 3, []]);
    assert.match(notes.join("\n"), NOTE);
    assert.ok(notes.join().includes("from @1 on"), notes.join());
  }));

Deno.test("keys that the node made name it, also where the node ended in between, and are erased", () =>
  withKey(async (folder, key) => {
    for (const [before, first] of [[false, false], [true, false], [false, true], [true, true]] as const) {
      const own = (await new CheckpointKeys((await live(folder), folder), ID).open()).key;
      assert.ok(own.number > 0);
      await live(folder, undefined, before);
      for (const crash of [first, false, false]) await live(folder, key, crash);
      const start = verdictOf(folder, own.signer.verifier);
      assert.deepEqual([start.problems, keyFiles(folder)], [[], []], `${before} ${first}`);
      assert.match(start.notes.join("\n"), NOTE);
      await Deno.remove(folder, { recursive: true });
    }
  }));

Deno.test("a file without such a key is wrong usage", () =>
  withKey(async (folder) => {
    await live(folder);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const texts = ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"];
    for (const text of [...texts, privateKey.export({ type: "pkcs8", format: "pem" }).toString()]) {
      Deno.writeTextFileSync(`${folder}/pem`, text);
      assert.throws(() => outsideKey(`${folder}/pem`), UsageError);
    }
  }));
