// The loop: it waits for the source, the ledger and its deadlines, lets the event loop turn, and leaves nothing when it ends.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { list, perform } from "../../src/engine/executor.ts";
import { runLoop } from "../../src/engine/loop.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { PORTION } from "../../src/limits/input.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const OBJECTS = [service("shop/web 10.96.0.1 http:80/tcp")];

/** An engine that a loop can run, and its ports; `polled` is called whenever the monitor is looked at. */
function ready(polled: () => void = () => {}) {
  const engine = newEngine();
  const ports: Ports = {
    kernel: new FakeKernel(),
    ledger: new LedgerWriter(memoryStorage(), { policy: "interval" }),
    now: () => "2026-11-27T09:00:00.000Z",
    report: () => {},
    warn: () => {},
    monitor: {
      poll() {
        polled();
        return { foreign: [], lost: false };
      },
      withoutNotifications: (_generation, commit) => commit(),
    },
  };
  perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
  perform(engine, ports, list(ports.kernel));
  return { engine, ports };
}

Deno.test("a loop that has ended looks at the kernel no more", async () => {
  let polls = 0;
  const { engine, ports } = ready(() => polls++);
  const source = {
    description: "a list that ends after three looks",
    async *batches() {
      yield { kind: "list", objects: OBJECTS, complete: true, time: ports.now(), problems: [] } as const;
      while (polls < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
  await runLoop(engine, ports, source, new AbortController().signal);
  const before = polls;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(polls, before);
});

Deno.test("an error between batches ends the loop once", async () => {
  let polls = 0;
  const { engine, ports } = ready(() => {
    polls++;
    throw new Error("for a test");
  });
  const waiting = {
    description: "a source that waits",
    async *batches(signal: AbortSignal) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      yield* [];
    },
  };
  const { signal } = new AbortController();
  await assert.rejects(runLoop(engine, ports, waiting, signal), /for a test/);
  assert.equal(polls, 1);
});

Deno.test("between the portions of a large batch of events the event loop turns", async () => {
  const { engine, ports } = ready();
  const commits: number[] = [];
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const objects = Array.from({ length: PORTION.events }, (_, i) => [
    service(`shop/s${i} 10.96.${1 + (i >> 8)}.${i & 255} http:80/tcp`),
    slice(`shop/s${i}-a http:8080/tcp 10.244.${1 + (i >> 8)}.${i & 255}`),
  ]);
  const source = {
    description: "one batch of many events",
    async *batches() {
      yield { kind: "events", events: objects.flat().map(appears), problems: [] } as const;
    },
  };
  const report = () => void commits.push(turns);
  await runLoop(engine, { ...ports, report }, source, new AbortController().signal);
  clearInterval(timer);
  assert.ok(new Set(commits).size > 1, "commits of one turn are of one portion");
  assert.equal(engine.cluster.services.size, objects.length);
});

Deno.test("a batch is taken once the ledger is ready, and not after an error meanwhile", async () => {
  for (const fails of [false, true]) {
    let polls = 0;
    const { engine, ports } = ready(() => {
      polls++;
      if (fails) throw new Error("for a test");
    });
    const written = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let awaited = false;
    const ledger = Object.assign(ports.ledger, {
      ready: () => awaited ? undefined : (asked.resolve(), written.promise),
    });
    const source = {
      description: "one list",
      async *batches() {
        const time = ports.now();
        yield { kind: "list", objects: OBJECTS, complete: true, time, problems: [] } as const;
      },
    };
    const done = runLoop(engine, { ...ports, ledger }, source, new AbortController().signal);
    await asked.promise;
    assert.equal(engine.synced, false, "the batch waits");
    awaited = true;
    // A deadline comes before the ledger is ready.
    while (polls === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    written.resolve();
    if (fails) await assert.rejects(done, /for a test/);
    else await done;
    assert.equal(engine.synced, !fails);
  }
});
