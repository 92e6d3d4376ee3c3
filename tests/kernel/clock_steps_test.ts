// The program as it is shipped, while the wall clock of its machine is set back and forth: rules follow the cluster, drift is put
// back, health answers, and the ledger stays whole and keeps its past.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { shell } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { ledgerproxy } from "../support/run_program.ts";
import {
  assertWhole,
  inKernel,
  ledgerIsWritten,
  newNodeFolder,
  removeTables,
  served,
  SteppedProgram,
  writeBigSlices,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const HEALTH = "http://127.0.0.1:10256";
/** What the program takes for now; NaN while nothing answers. */
const clock = async (): Promise<number> => {
  try {
    return Date.parse((await (await fetch(`${HEALTH}/livez`)).json()).currentTime);
  } catch {
    return NaN;
  }
};
/** Commands that compare times. */
const QUESTIONS = ["log", "outages", "latency", "top", "services"];

Deno.test("the wall clock goes back and forth while the program runs: rules, health and the ledger go on, and nothing is removed", async () => {
  const folder = newNodeFolder();
  const ledger = `${folder}/store/ledger`;
  using kernel = new NetlinkKernel();
  removeTables(kernel);
  writeSource(folder, 1);
  await using program = new SteppedProgram(folder, "store");
  await until("the Service is served", served(kernel, 1));
  await until("health answers", async () => !Number.isNaN(await clock()));
  let [ahead, endpoints] = [0, 1];
  for (const seconds of SteppedProgram.steps) {
    program.signal("SIGUSR2");
    ahead += seconds;
    await until(
      "the clock has stepped",
      async () => Math.abs(await clock() - ahead * 1000 - Date.now()) < 15_000,
    );
    writeSource(folder, ++endpoints);
    await until("a change is served", served(kernel, endpoints));
    // A snapshot is due, and retention looks at the past.
    writeBigSlices(folder, endpoints);
    const rules = inKernel(kernel).join();
    shell("nft delete element ip ledgerproxy cluster-ips { 10.96.0.1 }");
    writeSource(folder, ++endpoints);
    await until("a change is served", served(kernel, endpoints));
    await until(
      "what another program deleted is back",
      () => inKernel(kernel).some((text) => text.includes("cluster-ips 10.96.0.1")),
    );
    assert.notEqual(inKernel(kernel).join(), rules);
    const answer = await fetch(`${HEALTH}/livez`);
    const { healthy } = await answer.json();
    assert.deepEqual([answer.status, healthy], [200, true], `after a step of ${seconds} s`);
    await until(`the ledger is written after a step of ${seconds} s`, ledgerIsWritten);
  }
  assert.equal(await program.stop(), 0);
  assertWhole(ledger, kernel);
  const [first] = [...readLedger(folderStorage(ledger, false))];
  assert.deepEqual([first!.offset, first!.record.kind], [0, "config"], "retention removes nothing");
  assert.doesNotMatch(program.log, /fault|starting again/);
  for (const question of QUESTIONS) {
    const { code, stdout, stderr } = await ledgerproxy([question, "--ledger", ledger]);
    // 1: nothing was found, as where no Service was without endpoints.
    assert.ok(code <= 1, `${question}: ${code} ${stdout} ${stderr}`);
  }
  await Deno.remove(folder, { recursive: true });
});
