// Whether a position in the kernel is that of the ledger's last commit.

import assert from "node:assert/strict";
import { ledgerId, readBackward } from "../../src/ledger/reader.ts";
import type { CommitRecord } from "../../src/ledger/record.ts";
import { commitAt, heldCommit } from "../../src/node/held_commit.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { EVERY_KIND, KEEP_ALL } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { SHRINKING, writeCommitted } from "../support/past.ts";

/** A ledger, its last commit, and the position that this commit wrote into the kernel. */
function committed() {
  const storage = memoryStorage();
  writeCommitted(storage, SHRINKING);
  const commit = [...readBackward(storage)].map(({ record }) => record)
    .find((record): record is CommitRecord => record.kind === "commit")!;
  return {
    storage,
    commit,
    position: { ledger: ledgerId(storage)!, offset: commit.through, digest: commit.digest },
  };
}

Deno.test("the last commit is held where ledger, offset and digest are those of the position", () => {
  const { storage, commit, position } = committed();
  assert.deepEqual(commitAt(storage, position), { position, generation: commit.generation });
  assert.equal(commitAt(storage, { ...position, ledger: "f".repeat(16) }), undefined);
  assert.equal(
    commitAt(storage, { ...position, offset: position.offset - 2 }),
    undefined,
    "an earlier commit",
  );
  assert.equal(commitAt(storage, { ...position, digest: "0".repeat(64) }), undefined);
  assert.equal(commitAt(memoryStorage(), position), undefined, "an empty folder");
});

Deno.test("a damaged ledger holds nothing: the start reads all of it, and reports the damage", () => {
  const { storage, position } = committed();
  const [name] = storage.names();
  const bytes = storage.files.get(name!)!;
  const lines = new TextDecoder().decode(bytes).split("\n");
  const last = lines.at(-2)!;
  lines[lines.length - 2] = last.replace(/"kind"/, '"kinD"');
  lines.splice(-1, 0, last);
  storage.files.set(name!, new TextEncoder().encode(lines.join("\n")));
  assert.throws(() => commitAt(storage, position), { name: "LedgerDamage" });
  assert.equal(heldCommit(storage, position), undefined);
});

/** The ledger of {@link committed} with a snapshot, and `records` after it. */
function behindSnapshot(records = EVERY_KIND.slice(0, 1)) {
  const { storage, commit, position } = committed();
  const [first] = storage.names();
  const [header] = new TextDecoder().decode(storage.files.get(first!)).split("\n");
  using ledger = new LedgerWriter(storage, { policy: "never" });
  writeSnapshot(ledger, [], KEEP_ALL);
  ledger.append(records);
  return { storage, commit, position, first: first!, header: header! };
}

Deno.test("what is before a snapshot that has the last commit is not read", () => {
  const { storage, commit, position, first } = behindSnapshot();
  const closed = storage.names().find((name) => name.startsWith(first))!;
  storage.files.set(closed, new Uint8Array([1, 2, 3]));
  assert.deepEqual(commitAt(storage, position), { position, generation: commit.generation });
  const later = { ...commit, through: commit.through + 1, generation: commit.generation + 1 };
  const { storage: longer } = behindSnapshot([later]);
  const held = { ledger: ledgerId(longer)!, offset: later.through, digest: later.digest };
  assert.deepEqual(
    commitAt(longer, held),
    { position: held, generation: later.generation },
    "a later commit",
  );
});

Deno.test("a snapshot behind which no segment begins does not say which commit is the last", () => {
  const { storage, position, first, header } = behindSnapshot();
  // All records were cut off, and the ledger goes on without them.
  for (const name of storage.names()) if (name.includes("ndjson")) storage.files.delete(name);
  storage.files.set(first, new TextEncoder().encode(`${header}\n`));
  assert.equal(ledgerId(storage), position.ledger);
  assert.equal(commitAt(storage, position), undefined);
});
