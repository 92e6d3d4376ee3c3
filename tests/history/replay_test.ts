// Ledgers of programs that were killed between a batch and its record: the kernel has the batch, and the ledger does not say so.

import assert from "node:assert/strict";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { historyOf } from "../../src/history/history.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { EngineProcess, TIME } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { pastOf } from "../support/past.ts";

const CONFIG = { kind: "config", time: TIME, version: "0", nodeName: "node-a" } as const;
const NO_BUFFERS = 105;

/** A kernel that takes small batches alone, and whose caller is killed after one of them. */
class Deadly extends FakeKernel {
  most = Infinity;
  killsAfter = Infinity;

  override commit(transaction: Transaction) {
    const elements = transaction.filter(({ noun }) => noun === "element").length;
    if (elements > this.most) throw new KernelRejection(null, NO_BUFFERS, "for a test");
    const receipt = super.commit(transaction);
    if (--this.killsAfter === 0) throw new Error("killed");
    return receipt;
  }

  /** Another program deletes our rules of IPv4. */
  rob(): void {
    if (this.list(OUR_TABLES).tables.every(({ family }) => family !== "ip")) return;
    super.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  }
}

/** Lets the program take `history`, step by step. It is killed after the commit with number `kill`, and goes on after a start. */
function killedAfter(kill: number, history: readonly ((process: EngineProcess, kernel: Deadly) => void)[]) {
  const [kernel, storage] = [new Deadly(), memoryStorage()];
  let process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  kernel.killsAfter = kill;
  for (const step of history) {
    try {
      step(process, kernel);
    } catch (error) {
      assert.equal((error as Error).message, "killed");
      process[Symbol.dispose]();
      kernel.most = Infinity;
      process = new EngineProcess(kernel, storage, { complete: true, startedAt: TIME });
      commitBatch(process.engine, process.ports);
    }
  }
  process[Symbol.dispose]();
  const past = pastOf([...readLedger(storage)].map(({ record }) => record));
  assert.deepEqual(verifyPast(past).verdict.problems, [], `killed after commit ${kill}`);
  assert.equal(historyOf(past).replay().difference, null);
  return kernel.killsAfter > 0;
}

const lists = (...objects: readonly KubeObject[]) => (process: EngineProcess) => process.list(...objects);

Deno.test("a ledger follows from its records, whichever record of a batch of several parts is lost", () => {
  const objects = (endpoints: number) =>
    Array.from({ length: 12 }, (_, i) => [
      service(`shop/s${i} 10.96.0.${i + 1} http:80/tcp`),
      slice(`shop/s${i}-a http:80/tcp ${endpoints > 1 ? `10.244.${i}.2 ` : ""}10.244.${i}.1`),
    ]).flat();
  const robbed = (process: EngineProcess, kernel: Deadly) => {
    kernel.rob();
    const drift = { process: "thief", pid: 7, changes: ["delete table"], response: "put back" } as const;
    perform(process.engine, process.ports, { kind: "drift", time: TIME, ...drift });
    perform(process.engine, process.ports, list(kernel));
    kernel.most = 20;
    for (let commits = 0; commits < 20; commits++) commitBatch(process.engine, process.ports);
    kernel.most = Infinity;
  };
  for (let kill = 1; !killedAfter(kill, [lists(...objects(2)), robbed, lists(...objects(1))]); kill++);
});

Deno.test("a ledger follows from its records, where the record that deletes emptied chains is lost", () => {
  const web = service("shop/web 10.96.0.1 http:80/tcp", undefined, { sessionAffinity: "ClientIP" });
  const ready = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");
  for (let kill = 1; !killedAfter(kill, [lists(web, ready), lists(web), lists(web, ready)]); kill++);
});
