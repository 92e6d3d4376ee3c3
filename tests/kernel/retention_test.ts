// Retention on a node whose clock steps: the age of records is measured by the time that the program ran, not by the
// clock alone.

import assert from "node:assert/strict";
import { imageCommand, preloaded } from "../support/bundle.ts";
import { MemoryDisk } from "../support/memory_disk.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url);
const CLOCK = new URL("../support/clock_ahead.ts", import.meta.url).pathname;
const SLICES = 20;
const ENDPOINTS = 300;

/**
 * Writes a cluster with different endpoints in each round, enough that the end of a run makes a snapshot
 * (SNAPSHOT_STOP_BYTES).
 */
function writeCluster(folder: string, round: number): void {
  const items = Array.from({ length: SLICES }, (_, slice) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `big-${slice}`, namespace: "shop", labels: { "kubernetes.io/service-name": "absent" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: Array.from({ length: ENDPOINTS }, (_, i) => ({
      addresses: [`10.${round}.${slice}.${i % 250}`],
      nodeName: `node-${round}-${i}`,
    })),
  }));
  Deno.writeTextFileSync(`${folder}/all.json`, JSON.stringify({ kind: "List", items }));
}

Deno.test("a clock that is 400 days ahead or behind at a start removes no history", async () => {
  // The end of a run waits 5 s for the disk, and each run is to leave a whole segment.
  using disk = new MemoryDisk(await Deno.makeTempDir());
  const folder = disk.at;
  const source = `${folder}/source`;
  const ledger = `${folder}/ledger`;
  Deno.mkdirSync(source);
  const segments = () => [...Deno.readDirSync(ledger)].filter(({ name }) => name.includes(".ndjson")).length;
  let round = 0;
  const live = async (days: number) => {
    writeCluster(source, round++);
    const run = imageCommand("run", "--source", source, "--ledger", ledger, "--once");
    const [program, ...args] = preloaded(run, CLOCK);
    const { code, stderr } = await new Deno.Command(program!, {
      args: [...args, "--node", "node-a", "--retain-days", "30"],
      cwd: ROOT,
      env: { CLOCK_DAYS_AHEAD: String(days) },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  };
  for (let i = 0; i < 5; i++) await live(0);
  assert.equal(segments(), 5);
  await live(400);
  assert.equal(segments(), 6, "no record is 30 days old");
  await live(-400);
  assert.equal(segments(), 7);
  // A week without power looks like a step of the clock: it counts as one day (AGE_STEP_MILLISECONDS).
  for (let day = 1; day <= 40; day += 8) await live(day);
  assert.equal(segments(), 12, "40 days in steps of eight count as five");
});
