// The program beside an API server rehearses, and neither the kernel, the ledger, the log nor the metrics have anything of it.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { BOOKMARK, line, Server, status, stream } from "../support/api_server.ts";
import { startBeside } from "../support/beside_server.ts";
import { allKept } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { assertWhole, newNodeFolder } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const SERVICE = {
  ...{ apiVersion: "v1", kind: "Service" },
  metadata: { name: "web", namespace: "shop", resourceVersion: "5" },
  spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
};

/** A list that is streamed with its watch. */
function watched(query: URLSearchParams, objects: readonly unknown[]): Response {
  if (!query.has("watch")) return status(422, "Invalid");
  const listed = query.has("sendInitialEvents");
  return stream(listed ? [...objects.map((one) => line("ADDED", one)), BOOKMARK] : [], true);
}

/** Lines of the program's metrics about syncs, commits and faults. */
async function metrics(): Promise<string[]> {
  const text = await (await fetch("http://127.0.0.1:10249/metrics")).text();
  const about = /^(kubeproxy_sync|kubeproxy_network|ledgerproxy_\w*(commit|fault))/;
  return text.split("\n").filter((line) => about.test(line));
}

Deno.test("a program rehearses 1,000 changes, of which nothing is seen", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  await using server = new Server(
    (query) => watched(query, [SERVICE]),
    (_, query) => watched(query, []),
  );
  const program = startBeside(server, folder, "-v", "4");
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  await until("the rules are in the kernel", () => /skeleton written/.test(log()));
  // A checkpoint is a gap of no records.
  const kept = () => allKept(`${folder}/ledger`).filter(({ kind }) => kind !== "gap");
  await until("the commit is recorded", () => kept().some(({ kind }) => kind === "commit"));
  const before = { generation: kernel.generation(), kept: kept(), metrics: await metrics() };
  assert.ok(before.metrics.some((line) => line.includes("fault")));
  await until("it has rehearsed", () => log().includes("debug: rehearsed 1001 commits"), 60_000);
  assert.deepEqual({ generation: kernel.generation(), kept: kept(), metrics: await metrics() }, before);
  assert.doesNotMatch(log(), /rehearsal|error/);
  program.kill("SIGTERM");
  assert.equal((await program.status).code, 0);
  assertWhole(`${folder}/ledger`, kernel);
  await Deno.remove(folder, { recursive: true });
});
