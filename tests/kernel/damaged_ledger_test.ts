// Starts on damaged ledgers, while our rules are in the kernel or gone, with the API server there or away: no Service that stands is
// lost, and none comes back from the dead, as far as a whole record, the kernel or the server knows it. `deno task damages` has all
// kinds of damage.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import {
  aliveServer,
  CIRCUMSTANCES,
  DAMAGES,
  heldText,
  startOn,
  verdictOf,
  wholeLedger,
} from "../support/damaged_ledgers.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const TRIED = [
  "a bit of a deletion",
  "a bit of the first commit",
  "cut within the last segment",
  "the first segment and the snapshot gone",
  "a compressed segment that is cut",
];

Deno.test("on damaged ledgers no Service is lost or comes back, what is lost is named, and questions are answered", async () => {
  const folder = Deno.makeTempDirSync();
  using kernel = new NetlinkKernel();
  await using api = aliveServer();
  const whole = await wholeLedger(folder, kernel);
  for (const name of TRIED) {
    for (const circumstances of CIRCUMSTANCES) {
      const outcome = await startOn(whole, DAMAGES[name]!, circumstances, { folder, kernel, api });
      const where = `${name}, ${JSON.stringify(circumstances)}: ${heldText(outcome)}\n${outcome.log}`;
      assert.notEqual(verdictOf(name, circumstances, outcome), "wrong", where);
      assert.notEqual(outcome.named.length, 0, where);
      assert.deepEqual(outcome.problems, [], where);
    }
  }
  Deno.removeSync(folder, { recursive: true });
});
