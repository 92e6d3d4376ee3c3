// Whether the process that holds the lock of the ledger is at work.

import assert from "node:assert/strict";
import { isRunning } from "../../src/node/lock_holder.ts";
import { SystemError } from "../../src/kernel/system_error.ts";

Deno.test("a process runs unless it has ended, cannot be found, or is this one", () => {
  const holds = (stat: string, heldBy = "process 7") => isRunning(heldBy, 8, () => stat);
  assert.ok(holds("7 (deno) S 1 7 7 0"));
  assert.ok(holds("7 (a) Z (deno) D 1 7"), "the name of a program may contain anything");
  assert.ok(!holds("7 (deno) Z 1 7 7 0"), "its first thread has ended, and another one stands still");
  assert.ok(!holds("7 (deno) S 1 7 7 0", "process 8"), "in another PID namespace it may have our number");
  assert.ok(holds("", "an unknown process"), "its lock file was replaced");
  assert.ok(
    !isRunning("process 7", 8, () => {
      throw new SystemError("open /proc/7/stat", 2);
    }),
  );
  assert.ok(isRunning("process 1", 8), "the real /proc");
});
