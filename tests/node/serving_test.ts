// What the servers of `run` do for each batch. Their answers are in tests/kernel/serving_test.ts.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import type { EventRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { settings } from "../../src/node/config.ts";
import { newServed, Serving } from "../../src/node/serving.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

/** A node that follows batches. */
class Node implements Disposable {
  readonly cluster = emptyState();
  readonly serving: Serving;
  readonly #interfaces = Deno.networkInterfaces;
  /** How often the addresses of the node were read. */
  reads = 0;

  constructor() {
    const inForce = settings({ source: "unused" });
    const served = newServed({ sendEvent: () => {}, failed: (error) => assert.fail(String(error)) }, inForce);
    served.engine = newEngine(this.cluster);
    this.serving = new Serving(served, inForce);
    Deno.networkInterfaces = () => {
      this.reads++;
      return this.#interfaces();
    };
    this.#fold({ kind: "config", time: "", version: "0", nodeName: "node-a" });
  }

  change(event: EventRecord): void {
    this.#fold(event);
    this.serving.follow({ kind: "events", events: [event], problems: [] });
  }

  #fold(record: LedgerRecord): void {
    foldRecord(this.cluster, this.cluster.folded + 1 as Offset, record);
  }

  [Symbol.dispose](): void {
    Deno.networkInterfaces = this.#interfaces;
    this.serving[Symbol.dispose]();
  }
}

const checked = (number: number) =>
  service(`shop/web${number} 10.96.0.${number} http:80/tcp`, undefined, {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 30_100 + number,
  });

Deno.test("a change that concerns no health check reads no addresses of the node", () => {
  using node = new Node();
  node.change(appears(checked(1)));
  node.change(appears(service("shop/other 10.96.1.1 http:80/tcp")));
  const before = node.reads;
  assert.ok(before > 0);
  for (let i = 1; i <= 100; i++) node.change(appears(slice(`shop/other-a http:8080/tcp 10.244.0.${i}`)));
  for (let i = 1; i <= 100; i++) node.change(appears(slice(`shop/web1-a http:8080/tcp 10.244.0.${i}`)));
  assert.equal(node.reads, before, "nor the same count of local endpoints");
  node.change(appears(checked(2)));
  assert.ok(node.reads > before, "a new health check does");
});

/** A kernel that takes no batch. */
class FullKernel extends FakeKernel {
  override commit(): never {
    throw new KernelRejection(null, 12, "for a test");
  }
}

/** An engine whose commit the kernel has just rejected. */
function rejectedEngine() {
  const ports: Ports = {
    kernel: new FullKernel(),
    ledger: new LedgerWriter(memoryStorage(), { policy: "never" }),
    now: () => new Date().toISOString(),
    report: () => {},
    warn: () => {},
  };
  const engine = newEngine();
  perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
  perform(engine, ports, list(ports.kernel));
  const batch = {
    kind: "list",
    objects: [checked(1)],
    complete: true,
    time: ports.now(),
    problems: [],
  } as const;
  perform(engine, ports, { kind: "batch", batch });
  commitBatch(engine, ports);
  return engine;
}

Deno.test("the wall clock steps by a day just after the kernel rejected rules: /livez is still healthy", async () => {
  const address = { hostname: "127.0.0.1", port: 20_420 };
  const inForce = { ...settings({ source: "unused" }), healthzBindAddress: address };
  const served = newServed({ sendEvent: () => {}, failed: (error) => assert.fail(String(error)) }, inForce);
  served.engine = rejectedEngine();
  const now = Date.now;
  using _serving = new Serving(served, inForce);
  const livez = async () => {
    const answer = await fetch(`http://127.0.0.1:${address.port}/livez`, {
      headers: { connection: "close" },
    });
    return [answer.status, (await answer.json()).problems.includes("rules rejected")];
  };
  try {
    assert.deepEqual(await livez(), [200, true]);
    Date.now = () => now() + 24 * 3600_000;
    assert.deepEqual(await livez(), [200, true]);
  } finally {
    Date.now = now;
  }
});
