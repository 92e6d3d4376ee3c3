// The snapshot that is left of what retention removed: an auditor finds that it was written anew.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { type Verifiable, verifyPast } from "../../src/history/verify.ts";
import type { LedgerHead } from "../../src/ledger/head.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { type LedgerRecord, offsetOf } from "../../src/ledger/record.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import { appears, slice } from "../support/cluster_notation.ts";

const TIME = "2026-11-23T09:26:10.000Z";
/** Retention keeps what is behind the last snapshot but one. */
const NOTHING = { bytes: 0, milliseconds: Infinity };

/** The ledger in `folder` of a node that ran for three days, of which the last two are kept, and what a witness saw. */
async function retained(folder: string): Promise<LedgerHead[]> {
  using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
  const state = emptyState();
  const heads: LedgerHead[] = [];
  const append = (record: LedgerRecord) => {
    foldRecord(state, offsetOf(writer.next), record);
    writer.append([record]);
  };
  for (let day = 1; day <= 3; day++) {
    const checkpoints = new Checkpoints(folder, writer, append, () => TIME, (head) => void heads.push(head));
    for (let i = 1; i < 4; i++) {
      append({ ...appears(slice(`shop/web-${i} http:80/tcp 10.244.${day}.${i}`)), time: TIME });
    }
    await checkpoints.end();
    if (day < 3) writeSnapshot(writer, snapshotLines(state), NOTHING);
  }
  return heads;
}

const verdictOf = (folder: string, wanted: Verifiable = {}) =>
  verifyPast(ledgerView<SnapshotLine>(folderStorage(folder, false), snapshotMisfit), wanted).verdict;

/** Changes the text of the snapshot `file`, with a right hash. */
function rewrite(file: string, change: (text: string) => string): void {
  const lines = zstdDecompressSync(Deno.readFileSync(file)).toString().trimEnd().split("\n");
  const body = change(`${lines.slice(0, -1).join("\n")}\n`);
  const end = JSON.stringify({ lines: lines.length - 2, sha256: hash("sha256", body, "hex") });
  Deno.writeFileSync(file, zstdCompressSync(new TextEncoder().encode(`${body}${end}\n`)));
}

Deno.test("an address of the time before the oldest record cannot be changed in the snapshot that has it", async () => {
  const folder = await Deno.makeTempDir();
  const heads = await retained(folder);
  const { first, problems, notes, checkpoints } = verdictOf(folder);
  assert.deepEqual([first, problems, notes], [4, [], []]);
  const key = checkpoints.key!;
  assert.deepEqual(verdictOf(folder, { key, heads }).problems, []);
  rewrite(
    `${folder}/00000000000000000004.snapshot.zst`,
    (text) => text.replaceAll("10.244.1.2", "10.66.6.6"),
  );
  for (const wanted of [{}, { key }, { key, heads }]) {
    assert.deepEqual(verdictOf(folder, wanted).problems, [
      "00000000000000000004.snapshot.zst: it is not the one that the checkpoint @7 signed; " +
      "what it says of the time before @4 cannot be trusted",
    ]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a snapshot that no checkpoint signs is a note, and for an auditor with a key a problem", async () => {
  const folder = await Deno.makeTempDir();
  {
    using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
    const state = emptyState();
    const append = (record: LedgerRecord) => {
      foldRecord(state, offsetOf(writer.next), record);
      writer.append([record]);
    };
    append({ ...appears(slice("shop/web-1 http:80/tcp 10.244.1.1")), time: TIME });
    writeSnapshot(writer, snapshotLines(state), NOTHING);
    append({ ...appears(slice("shop/web-1 http:80/tcp 10.244.1.2")), time: TIME });
    writeSnapshot(writer, snapshotLines(state), NOTHING);
    const snapshot = `${folder}/00000000000000000001.snapshot.zst`;
    Deno.renameSync(snapshot, `${folder}/aside`);
    await new Checkpoints(folder, writer, append, () => TIME, () => {}).end();
    Deno.renameSync(`${folder}/aside`, snapshot);
  }
  const unsigned = "00000000000000000001.snapshot.zst: no checkpoint signs it, " +
    "so nothing proves what it says of the time before @1";
  const { problems, notes, checkpoints } = verdictOf(folder);
  assert.deepEqual([problems, notes], [[], [unsigned]]);
  assert.deepEqual(verdictOf(folder, { key: checkpoints.key! }).problems, [unsigned]);
  await Deno.remove(folder, { recursive: true });
});
