// Lines go through memory and messages do not: the worker executes both in the order in which the program sent them.

import assert from "node:assert/strict";
import { LineRing } from "../../src/ledger/line_ring.ts";
import type { Posted } from "../../src/ledger/worker_messages.ts";
import { WorkerTurns } from "../../src/ledger/worker_turns.ts";

/** A ring whose worker, instead of sleeping, lets the program do the next of `steps`. */
class ScriptedRing extends LineRing {
  slept = 0;

  constructor(readonly steps: (() => void)[]) {
    super(1024);
  }

  override doze(): boolean {
    return true;
  }

  override sleep(messages: number): void {
    this.slept++;
    // A message lets it leave its loop in any case.
    if (this.messages === messages) (this.steps.shift() ?? (() => this.announce()))();
  }
}

/** The program's side, and what the worker's side has executed. */
function sides(steps: (() => void)[]) {
  const ring = new ScriptedRing(steps);
  const executed: string[] = [];
  const sent: Posted[] = [];
  const finishing = Promise.withResolvers<void>();
  const turns = new WorkerTurns(
    {
      handle(message) {
        executed.push(
          message.kind === "append" ? `lines ${message.first} of ${message.session}` : message.kind,
        );
        return message.kind === "snapshot-end" ? finishing.promise : undefined;
      },
    },
    ring,
    () => {},
  );
  const end = { next: 0, chain: "0".repeat(64) };
  return {
    ring,
    executed,
    finishing,
    lines: (first: number) => ring.put({ kind: "append", first, lines: new Uint8Array(5), end }),
    post(
      message: { readonly kind: "sync"; readonly next: number } | { readonly kind: "look" | "close" },
      session = 1,
    ) {
      sent.push({ ...message, session, after: ring.end });
      ring.announce();
    },
    snapshot(kind: "snapshot" | "snapshot-end") {
      const place = { ledger: "0".repeat(16), ...end, age: { milliseconds: 0, time: 0 } };
      const retention = { bytes: 1, milliseconds: 1 };
      const message = kind === "snapshot" ? { kind, place } : { kind, retention };
      sent.push({ ...message, session: 1, after: ring.end });
      ring.announce();
    },
    deliver: () => turns.take(sent.shift()!),
  };
}

Deno.test("a message is executed after the lines before it and before those behind it, also when both wait", () => {
  const { lines, post, deliver, executed } = sides([]);
  lines(0);
  post({ kind: "sync", next: 1 });
  lines(1);
  post({ kind: "sync", next: 2 }, 2);
  lines(2);
  deliver();
  assert.deepEqual(executed, ["lines 0 of 0", "sync"], "a second message waits");
  deliver();
  assert.deepEqual(executed.slice(2), ["lines 1 of 1", "sync", "lines 2 of 2"]);
});

Deno.test("lines that come while the worker sleeps are executed without a message", () => {
  const script: (() => void)[] = [];
  const { lines, post, deliver, executed, ring } = sides(script);
  script.push(() => void lines(1), () => void lines(2), () => post({ kind: "sync", next: 3 }));
  post({ kind: "look" });
  deliver();
  assert.deepEqual(executed, ["lines 1 of 1", "lines 2 of 1"]);
  assert.equal(ring.slept, 3);
});

Deno.test("while a snapshot arrives or is finished, and after the end, the worker does not sleep", async () => {
  const { snapshot, post, deliver, lines, executed, finishing, ring } = sides([]);
  snapshot("snapshot");
  deliver();
  snapshot("snapshot-end");
  deliver();
  lines(0);
  assert.equal(ring.wake(true), true, "then a message makes it look for lines");
  post({ kind: "look" });
  deliver();
  assert.deepEqual(executed, ["snapshot", "snapshot-end", "lines 0 of 1"]);
  assert.equal(ring.slept, 0);
  finishing.resolve();
  await finishing.promise;
  await Promise.resolve();
  assert.equal(ring.slept, 1);
  const before = ring.slept;
  post({ kind: "close" });
  deliver();
  assert.equal(ring.slept, before);
});
