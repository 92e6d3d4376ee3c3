// A loop whose monitor announces what it has received: it looks at the monitor seldom, and at once after an announcement.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import { newRunningProxy, wake, wakeAt } from "../../src/engine/running_proxy.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { ForeignChange } from "../../src/kernel/ruleset_monitor.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { service } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

/** A proxy whose monitor announces. */
class Node {
  polls = 0;
  readonly received: ForeignChange[] = [];
  readonly drifts: string[] = [];
  announce = () => {};
  readonly engine = newEngine();
  readonly ports: Ports = {
    kernel: new FakeKernel(),
    ledger: new LedgerWriter(memoryStorage(), { policy: "interval" }),
    now: () => "2026-11-28T01:00:00.000Z",
    report: () => {},
    warn: () => {},
    driftChanged: (drift) => void this.drifts.push(drift?.process ?? "resolved"),
    meter: {
      rejected() {},
      appended() {},
      drifted: (process) => void this.drifts.push(process),
      forgot() {},
    },
    monitor: {
      poll: () => {
        this.polls++;
        return { foreign: this.received.splice(0), lost: false, watched: true };
      },
      watch: (announce) => this.announce = announce,
      withoutNotifications: (_generation, commit) => commit(),
    },
  };

  constructor() {
    perform(this.engine, this.ports, { kind: "opened", ledger: this.ports.ledger.ledger });
    perform(this.engine, this.ports, list(this.ports.kernel));
  }

  /** A source of one list, which ends when it is to. */
  source(until: Promise<void>) {
    const { ports } = this;
    return {
      description: "a list",
      async *batches() {
        const objects = [service("shop/web 10.96.0.1 http:80/tcp")];
        yield { kind: "list", objects, complete: true, time: ports.now(), problems: [] } as const;
        await until;
      },
    };
  }
}

const THEFT: ForeignChange = { process: "thief", pid: 7, changes: ["delete table ip ledgerproxy"] };

Deno.test("at rest it is polled once a second, and no deadline comes between", () => {
  const node = new Node();
  const running = newRunningProxy(node.engine, node.ports, 0);
  let wakes = 0;
  for (let now = 0; (now = wakeAt(running)) < 60_000;) {
    wakes++;
    wake(running, now);
  }
  // The first poll comes sooner, and with the loop's beginning other work does.
  assert.ok(node.polls <= 60 && wakes <= 65, `${node.polls} polls, ${wakes} wakes`);
});

Deno.test("the loop records a change as soon as the monitor announces it, and nothing once it has ended", async () => {
  const node = new Node();
  const end = Promise.withResolvers<void>();
  const loop = runLoop(node.engine, node.ports, node.source(end.promise), new AbortController().signal);
  while (node.polls < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  // As long as the next poll of the second is away.
  const begun = node.polls;
  while (node.polls === begun) await new Promise((resolve) => setTimeout(resolve, 5));
  node.received.push(THEFT);
  node.announce();
  while (node.drifts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(node.drifts[0], "thief");
  assert.equal(node.polls, begun + 2, "by a poll of its own");
  end.resolve();
  await loop;
  const { polls } = node;
  node.received.push(THEFT);
  node.announce();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(node.polls, polls);
});
