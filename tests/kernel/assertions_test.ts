// `run --assert` as it is shipped: what breaks while it runs is in the log, the metrics and `status`, and is over when it holds again.

import assert from "node:assert/strict";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { imageCommand } from "../support/bundle.ts";
import { runCommand } from "../support/run_program.ts";
import { newNodeFolder, SourceProgram, writeSource } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const METRICS = "127.0.0.1:10249";

/** The counts of assertions that hold and that are broken; undefined while the program does not answer. */
async function counts(): Promise<number[] | undefined> {
  try {
    const text = await (await fetch(`http://${METRICS}/metrics`)).text();
    return ["holds", "broken"].map((result) =>
      Number(new RegExp(`^ledgerproxy_assertions\\{result="${result}"\\} (\\d+)$`, "m").exec(text)?.[1])
    );
  } catch {
    return undefined;
  }
}

const isCounted = (...wanted: number[]) => async () =>
  JSON.stringify(await counts()) === JSON.stringify(wanted);

Deno.test("an assertion that breaks while the proxy runs is in log, metrics and status, until it holds again", async () => {
  const folder = newNodeFolder();
  writeSource(folder, 2);
  // The program may read its ledger's folder.
  const file = `${folder}/store/assertions.yaml`;
  Deno.writeTextFileSync(file, "- { service: web, ready: 2, name: two }\n- { service: web, outage: 1h }\n");
  {
    const flags = ["--metrics-bind-address", METRICS, "--assert", `${folder}/disk/assertions.yaml`];
    await using program = new SourceProgram(folder, "store", ...flags);
    await until("both hold", isCounted(2, 0));
    writeSource(folder, 1);
    await until("one is broken", isCounted(1, 1));
    // A thread of the runtime writes the log.
    await until("the log says so", () => program.log.includes("assertion broken: two: 1 ready"));
    // It waits a second for an answer of the proxy.
    await until("status says so", async () => {
      const { code, stdout } = await runCommand(imageCommand("status", "--ledger", `${folder}/store/ledger`));
      return code === 1 && /assertion: two: 1 ready/.test(stdout);
    });
    writeSource(folder, 2);
    await until("both hold again", isCounted(2, 0));
    await until("the log says so", () => program.log.includes("assertion two: holds again"));
  }
  const paths = ["--source", folder, "--ledger", `${folder}/store/l`];
  const { code, stderr } = await runCommand(imageCommand("run", ...paths, "--assert", "/nowhere"));
  assert.equal(code, 2, stderr);
  Deno.removeSync(folder, { recursive: true });
});
