// The pauses between pieces and runs.

import assert from "node:assert/strict";
import { newPace, notePiece } from "../../src/engine/pace.ts";

Deno.test("a pause between pieces is as long as the piece, and after a run ten times as long as its pieces together", () => {
  const pace = newPace();
  assert.ok(pace.nextAt <= 0, "the first run begins at once");
  notePiece(pace, 12, false, 100);
  assert.equal(pace.nextAt, 112);
  notePiece(pace, 8, true, 120);
  assert.equal(pace.nextAt, 320);
  notePiece(pace, 1, true, 400);
  assert.equal(pace.nextAt, 410, "a run counts its own pieces alone");
});

Deno.test("other work is done between short pieces too", () => {
  const pace = newPace();
  notePiece(pace, 0, false, 100);
  assert.ok(pace.nextAt > 100);
});
