// What follows from the kernel's answer to a commit.

import assert from "node:assert/strict";
import { commitBatch } from "../../src/engine/executor.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { separated } from "../../src/nft/objects.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { rejecting } from "../support/rejecting_kernel.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const PODS = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.1");

Deno.test("where the kernel refuses a change of no Service again, the tables are replaced in one batch", () => {
  using kernel = new FakeKernel();
  // As if something led to the chain that goes.
  const busy = rejecting(kernel, (transaction) => {
    const bad = transaction.find(({ verb, noun }) => verb === "delete" && noun === "chain");
    return bad && [bad, 16];
  });
  const storage = memoryStorage();
  using process = new EngineProcess(busy, storage);
  const guarded = service("shop/web 10.96.0.1 http:80/tcp", undefined, {
    loadBalancerSourceRanges: ["10.0.0.0/8"],
  });
  const differing = () =>
    diff(process.engine.cluster.desired, separated(kernel.list(OUR_TABLES)).elements)
      .filter(({ set }) => set !== POSITION_PATH);
  const status = { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } };
  process.list({ ...guarded, status }, PODS);
  process.list(WEB, PODS);
  commitBatch(process.engine, process.ports);
  assert.equal(process.engine.rejections, 0);
  assert.match(
    process.warnings.join("\n"),
    /rejected delete chain ip ledgerproxy .* \(EBUSY\)\. The tables are replaced as a whole in one batch$/m,
  );
  assert.deepEqual(differing(), []);
  assert.equal(process.engine.cluster.aside.size, 0);
  process.list(WEB, slice("shop/web-a http:8080/tcp 10.244.0.2"));
  assert.deepEqual(differing(), []);
  const outcomes = [...readLedger(storage)].flatMap(({ record }) =>
    record.kind === "commit" ? [record.outcome] : []
  );
  assert.deepEqual(outcomes.slice(-4), ["rejected", "rejected", "committed", "committed"]);
});
