// Other programs commit while our rules are read: one that never pauses elsewhere, and one that deletes our tables in the middle of
// a comparison.

import assert from "node:assert/strict";
import { OUR_TABLES } from "../../src/engine/run_loop.ts";
import { newRunning, wake, wakeAt } from "../../src/engine/running.ts";
import { TABLE } from "../../src/fold/skeleton.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { separated } from "../../src/nft/objects.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { smallServices } from "../support/large_service.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url);
const BUSY = "tests/support/busy_program.ts";
const LISTINGS = 5;
const SERVICES = 300;

function started(kernel: NetlinkKernel): EngineProcess {
  const process = new EngineProcess(kernel, memoryStorage());
  process.list(
    ...smallServices(SERVICES, 2).map(decodeObject).flatMap((one) => one.ok ? [one.object] : []),
  );
  return process;
}

function digest(kernel: NetlinkKernel): string {
  const { tables, elements } = separated(kernel.list(OUR_TABLES));
  return digestText(rulesetDigest(tables, elements));
}

Deno.test("our rules are listed beside a program that commits without a pause", async () => {
  using kernel = new NetlinkKernel();
  using _process = started(kernel);
  const before = digest(kernel);
  const args = ["run", "--allow-all", "--no-check", "--quiet", BUSY];
  const busy = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" }).spawn();
  try {
    const begun = kernel.generation();
    await until("it commits", () => kernel.generation() > begun + 1000);
    for (let i = 0; i < LISTINGS; i++) assert.doesNotThrow(() => assert.equal(digest(kernel), before));
  } finally {
    busy.kill("SIGKILL");
    await busy.status;
  }
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});

Deno.test("tables that are deleted in the middle of a comparison are put back, and the program that did it is named", () => {
  using kernel = new NetlinkKernel();
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  using process = started(kernel);
  const before = digest(kernel);
  const running = newRunning(process.engine, { ...process.ports, monitor }, 0);
  // The audit comes first, and some of its pieces.
  while (running.comparing === undefined) wake(running, wakeAt(running));
  for (let i = 0; i < 4; i++) wake(running, wakeAt(running));
  nft(["-f", "-"], `delete table ip ${TABLE}`);
  const end = wakeAt(running) + 30_000;
  while (wakeAt(running) < end) wake(running, wakeAt(running));
  assert.deepEqual([digest(kernel), process.engine.rejections], [before, 0]);
  const drifts = [...readLedger(process.storage)].flatMap(({ record }) =>
    record.kind === "drift" ? [record] : []
  );
  const named = drifts.map(({ process, changes }) => `${process}: ${changes.join(", ")}`);
  assert.ok(
    named.some((text) => text.startsWith("nft: ") && text.includes(`delete table ip ${TABLE}`)),
    named.join("\n"),
  );
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});
