// A start that is interrupted during the first list: the ledger has the objects read so far, the kernel no rules, and
// the next start continues from there.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { describeKey } from "../../src/kube/objects.ts";
import { BOOKMARK, line, Server, status, stream, whole } from "../support/api_server.ts";
import { startBeside } from "../support/beside_server.ts";
import { keptOf } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { assertWhole } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

Deno.test("a start that is interrupted during the first list changes no rules, and the next start continues", async () => {
  const folder = await Deno.makeTempDir();
  const ledger = `${folder}/ledger`;
  using kernel = new NetlinkKernel();
  const names = Array.from({ length: 700 }, (_, i) => `s${i}`);
  const added = names.map((name) => line("ADDED", whole(name)));
  let stalls = true;
  await using server = new Server((query) =>
    query.has("watch")
      ? stream(stalls ? added.slice(0, 600) : [...added, BOOKMARK], true)
      : status(422, "Invalid")
  );
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  const start = () => startBeside(server, folder);
  const events = () => keptOf(ledger, "event").map(({ key }) => describeKey(key));
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const process = start();
    await until(
      "the first objects are in the ledger",
      () => /reading /.test(log()) && events().length >= 500,
    );
    process.kill(signal);
    const { code } = await process.status;
    assert.equal(events().length, 500);
    assert.deepEqual(kernel.tables(), []);
    if (signal === "SIGKILL") continue;
    assert.equal(code, 0);
    assert.match(log(), /ended before the cluster was read: the rules in the kernel are as they were/);
  }
  stalls = false;
  const process = start();
  await until("the rules are in the kernel", () => /skeleton written/.test(log()));
  // Rules do not wait for the disk: a program that is killed now may not have written their records.
  process.kill("SIGTERM");
  assert.equal((await process.status).code, 0);
  assert.deepEqual(events().sort(), names.map((name) => `Service shop/${name}`).sort(), "each once");
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});
