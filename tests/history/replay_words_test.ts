// The text that `replay` prints for a commit that differs.

import assert from "node:assert/strict";
import { replayDifferenceLines } from "../../src/history/replay_words.ts";
import { committedPast } from "../support/past.ts";

Deno.test("both sides are printed with their digests, and the count of changes that are left out", () => {
  const { record } = committedPast().lookup()(4)!;
  assert.ok(record.kind === "commit");
  const changes = Array(23).fill(record.changes[0]);
  const misfits = ["it is not due"];
  const lines = replayDifferenceLines({ offset: 4, record, digest: "f".repeat(64), changes, misfits });
  assert.equal(lines[0], "the commit @4 of @2 to @3 comes out differently");
  assert.equal(lines[1], "    it is not due");
  assert.equal(lines[2], `as it was, digest ${record.digest}:`);
  const second = lines.indexOf(`as it is now, digest ${"f".repeat(64)}:`);
  assert.equal(second, 3 + record.changes.length);
  assert.equal(lines.length, second + 1 + 20 + 1);
  assert.equal(lines.at(-1), "    and 3 more");
});
