// What is left of a loop that has ended: nothing.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { list, perform, type Ports } from "../../src/engine/run_loop.ts";
import { runLoop } from "../../src/engine/running.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { service } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

Deno.test("a loop that has ended looks at the kernel no more", async () => {
  const kernel = new FakeKernel();
  let polls = 0;
  const ports: Ports = {
    kernel,
    ledger: new LedgerWriter(memoryStorage(), { policy: "interval" }),
    now: () => "2026-11-27T09:00:00.000Z",
    report: () => {},
    warn: () => {},
    monitor: {
      poll() {
        polls++;
        return { foreign: [], lost: false };
      },
      withoutNotifications: (_generation, commit) => commit(),
    },
  };
  const engine = newEngine();
  perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
  perform(engine, ports, list(kernel));
  const objects = [service("shop/web 10.96.0.1 http:80/tcp")];
  const source = {
    description: "a list that ends after three looks",
    async *batches() {
      yield { kind: "list", objects, complete: true, time: ports.now(), problems: [] } as const;
      while (polls < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
  await runLoop(engine, ports, source, new AbortController().signal);
  const before = polls;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(polls, before);
});
