// Whether a position in the kernel is that of the ledger's last commit.

import assert from "node:assert/strict";
import { ledgerId, readBackward } from "../../src/ledger/reader.ts";
import type { CommitRecord } from "../../src/ledger/record.ts";
import { commitAt, heldCommit } from "../../src/node/held_commit.ts";
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
