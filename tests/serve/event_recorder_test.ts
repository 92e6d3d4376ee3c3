// Events are sent without waiting, and one namespace cannot make a node send many.

import assert from "node:assert/strict";
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
