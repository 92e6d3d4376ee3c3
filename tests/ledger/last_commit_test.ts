// The last commit of a ledger, as a snapshot keeps it.

import assert from "node:assert/strict";
import { commitBehind, type LastCommit } from "../../src/ledger/last_commit.ts";
import type { CommitRecord } from "../../src/ledger/record.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { EVERY_KIND, KEEP_ALL, open } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const KIND = EVERY_KIND.find((record): record is CommitRecord => record.kind === "commit")!;
const COMMIT: CommitRecord = { ...KIND, outcome: "committed" };
const LAST: LastCommit = {
  through: COMMIT.through,
  digest: COMMIT.digest,
  generation: COMMIT.generation,
};

Deno.test("a commit that the kernel accepted is the last one until the next; no other record is one", () => {
  assert.deepEqual(commitBehind(undefined, COMMIT), LAST);
  const later = { ...COMMIT, through: COMMIT.through + 7 };
  assert.deepEqual(commitBehind(LAST, later), { ...LAST, through: COMMIT.through + 7 });
  assert.equal(commitBehind(LAST, { ...later, outcome: "rejected" }), LAST);
  for (const record of EVERY_KIND) {
    if (record.kind !== "commit") assert.equal(commitBehind(LAST, record), LAST);
  }
});

Deno.test("each snapshot has the last commit before it, also where that was before the start", () => {
  const storage = memoryStorage();
  {
    using ledger = open(storage);
    writeSnapshot(ledger, [], KEEP_ALL);
    assert.equal(newestSnapshot(storage)!.commit, undefined);
    ledger.append([COMMIT]);
    writeSnapshot(ledger, [], KEEP_ALL);
    assert.deepEqual(newestSnapshot(storage)!.commit, LAST);
  }
  using ledger = open(storage, { behind: newestSnapshot(storage)! });
  ledger.append(EVERY_KIND.slice(0, 2));
  writeSnapshot(ledger, [], KEEP_ALL);
  const { next, commit } = newestSnapshot(storage)!;
  assert.deepEqual({ next, commit }, { next: 3, commit: LAST });
});
