// SIGKILL of the real process at random instants under churn: after each start kernel = fold(ledger), no record is lost
// or invented, and traffic to a Service that does not change never fails. KILLS=200 in the environment makes more
// kills.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { end } from "../support/cluster/control_plane.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { allKept } from "../support/kept_records.ts";
import { Lab, shell } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, send } from "../support/lab/probe.ts";
import { MemoryDisk } from "../support/memory_disk.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { assertWhole } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const KILLS = Number(Deno.env.get("KILLS") ?? 20);
const LIFE_MILLISECONDS_MAX = 500;

Deno.test(`SIGKILL ${KILLS} times under churn: no record is lost or invented, and no connection fails`, async () => {
  const folder = await Deno.makeTempDir();
  // A commit waits 10 ms for its records: where a disk takes longer, or its thread waits for a processor, a kill may lose them.
  using _disk = new MemoryDisk(folder);
  shell(`renice -n -19 -p ${Deno.pid} || true`);
  Deno.mkdirSync(`${folder}/source`);
  const ledger = `${folder}/ledger`;
  using lab = new Lab();
  using kernel = lab.inside("node", () => new NetlinkKernel());
  let state = 0;
  const churn = () => {
    const endpoints = ["10.244.2.5@node-b", "10.244.1.6@node-a", "10.244.2.5@node-b 10.244.1.6@node-a"];
    const { objects } = parseScenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp ${endpoints[++state % endpoints.length]}
service shop/still ips=10.96.0.21 ports=:80/tcp
slice shop/still-a ports=:8080/tcp 10.244.2.5@node-b`);
    Deno.writeTextFileSync(
      `${folder}/next`,
      JSON.stringify({ kind: "List", items: objects.map(manifestOf) }),
    );
    Deno.renameSync(`${folder}/next`, `${folder}/source/all.json`);
  };
  const still = {
    host: "pod-1",
    source: "10.244.1.5",
    destination: "10.96.0.21",
    port: 80,
    protocol: "tcp",
  } as const;
  const answers = () => / from /.test(send(lab, still, FIRST_ATTEMPT_MILLISECONDS));
  const start = () =>
    startLedgerproxy(
      lab,
      `${folder}/log`,
      ...["run", "--source", `${folder}/source`, "--ledger", ledger, "--node", "node-a"],
    );
  const records = () => allKept(ledger).map((record) => JSON.stringify(record));
  const agrees = () => {
    try {
      assertWhole(ledger, kernel);
      return true;
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      return false;
    }
  };
  Deno.writeTextFileSync(`${folder}/log`, "");
  const starts = () => (Deno.readTextFileSync(`${folder}/log`).match(/ info: reading /g) ?? []).length;
  churn();
  let known: string[] = [];
  let failed = 0;
  let probes = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const process = start();
    await until(
      "it has started, and kernel = fold(ledger)",
      () => starts() === kill + 1 && answers() && agrees(),
    );
    const now = records();
    assert.deepEqual(now.slice(0, known.length), known, "records before the kill are still there");
    const traffic = setInterval(() => {
      probes++;
      if (!answers()) failed++;
    }, 20);
    const changes = setInterval(churn, 15);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LIFE_MILLISECONDS_MAX));
    await end(process);
    clearInterval(changes);
    clearInterval(traffic);
    probes++;
    if (!answers()) failed++;
    known = records();
    assert.deepEqual(known.slice(0, now.length), now, "the kill changed no record");
  }
  assert.deepEqual([failed, probes > KILLS], [0, true], `${failed} of ${probes} connections failed`);
  const process = start();
  churn();
  await until("the last state is served", () => starts() === KILLS + 1 && answers() && agrees());
  process.kill("SIGTERM");
  assert.equal((await process.status).code, 0);
  assertWhole(ledger, kernel);
  const log = Deno.readTextFileSync(`${folder}/log`);
  assert.doesNotMatch(log, /error:|changed our tables|rules follow/);
});
