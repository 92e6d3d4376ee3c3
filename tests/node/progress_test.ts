// Lines about progress are few.

import assert from "node:assert/strict";
import { progress } from "../../src/node/progress.ts";

Deno.test("progress is said at most once in a while, and not by work that is soon done", () => {
  let now = 0;
  const said: string[] = [];
  const counted = progress("records read", { now: () => now, every: 5000, say: (line) => said.push(line) });
  for (let count = 1; count <= 12_000; count++) {
    now++;
    counted(count);
  }
  assert.deepEqual(said, ["records read: 5,000", "records read: 10,000"]);
});
