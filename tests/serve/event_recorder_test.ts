// Events are sent without waiting, and one namespace cannot make a node send many.

import assert from "node:assert/strict";
import { movedEvents } from "../../src/node/moved_events.ts";
import { type ApiEvent, EventRecorder } from "../../src/serve/event_recorder.ts";

const MINUTE = 60_000;
const about = (namespace: string, name: string): ApiEvent => ({
  regarding: { kind: "Service", namespace, name },
  type: "Warning",
  reason: "ServiceSetAside",
  action: "SyncProxyRules",
  note: "for a test",
});

Deno.test("events about one namespace are few, whatever its Services are called, and those of others are sent", async () => {
  let now = 0;
  const sent: string[] = [];
  const post = (path: string) => {
    sent.push(path.split("/")[5]!);
    return Promise.resolve();
  };
  const recorder = new EventRecorder("node-a", post, () => now);
  /** How many of so many events are sent, one after the other. */
  const sends = async (namespace: string, count: number) => {
    sent.length = 0;
    for (let i = 0; i < count; i++) {
      recorder.send(about(namespace, `s${i}`));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return sent.filter((one) => one === namespace).length;
  };
  assert.equal(await sends("hostile", 200), 25);
  assert.equal(await sends("shop", 3), 3);
  now += 10 * MINUTE;
  assert.equal(await sends("hostile", 10), 2);
  now += 24 * 60 * MINUTE;
  assert.equal(await sends("hostile", 200), 25);
});

Deno.test("a namespace that takes addresses from another one leaves it its own events", async () => {
  const sent: string[] = [];
  let answers = true;
  const post = (_path: string, body: unknown) => {
    sent.push((body as { readonly reason: string }).reason);
    return answers ? Promise.resolve() : new Promise<void>(() => {});
  };
  const services = new Map([["hostile/a", 1], ["shop/b", 1]]) as never;
  const moves = (from: string, to: string) =>
    movedEvents([{ family: "ip", frontend: "203.0.113.80 . tcp . 80", from, to }], { services });
  for (answers of [true, false]) {
    sent.length = 0;
    const recorder = new EventRecorder("node-a", post, () => 0);
    for (let i = 0; i < 100; i++) {
      const names = ["hostile/a", "shop/b"] as const;
      for (const event of i % 2 === 0 ? moves(...names) : moves(names[1], names[0])) recorder.send(event);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.ok(sent.length >= 8 && sent.length <= 25, `${sent.length} events of moved addresses`);
    recorder.send(about("shop", "c"));
    assert.equal(sent.at(-1), "ServiceSetAside");
  }
});
