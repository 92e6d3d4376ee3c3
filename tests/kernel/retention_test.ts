// The history of a node whose clock steps: it is kept as long as the node has lived, not as long as the clock says.

import assert from "node:assert/strict";
import { imageCommand } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url);
const CLOCK = new URL("../support/clock_ahead.ts", import.meta.url).pathname;
const SLICES = 20;
const ENDPOINTS = 300;

/** Other endpoints each time, so that there is enough to make a snapshot of at the end (SNAPSHOT_STOP_BYTES). */
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

Deno.test("a clock that is 400 days ahead at a start, or behind, takes nothing of the history", async () => {
  const folder = await Deno.makeTempDir();
  const source = `${folder}/source`;
  const ledger = `${folder}/ledger`;
  Deno.mkdirSync(source);
  const segments = () => [...Deno.readDirSync(ledger)].filter(({ name }) => name.includes(".ndjson")).length;
  let round = 0;
  const live = async (days: number) => {
    writeCluster(source, round++);
    const [program, verb, ...args] = imageCommand("run", "--source", source, "--ledger", ledger, "--once");
    const { code, stderr } = await new Deno.Command(program!, {
      args: [verb!, `--preload=${CLOCK}`, ...args, "--node", "node-a", "--retain-days", "30"],
      cwd: ROOT,
      env: { CLOCK_DAYS_AHEAD: String(days) },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  };
  for (let i = 0; i < 5; i++) await live(0);
  assert.equal(segments(), 5);
  await live(400);
  assert.equal(segments(), 6, "of 5 days of history nothing is 30 days old");
  await live(-400);
  assert.equal(segments(), 7);
  // A node that is off for a week cannot tell that from a clock that steps.
  for (let day = 1; day <= 40; day += 8) await live(day);
  assert.equal(segments(), 12, "40 days in steps of eight count as five");
  await Deno.remove(folder, { recursive: true });
});
