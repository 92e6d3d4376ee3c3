// The queue between reflectors and the loop.

import assert from "node:assert/strict";
import { Inbox } from "../../src/ingest/inbox.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import { INBOX_BATCHES_MAX } from "../../src/limits/input.ts";

const batch = (text: string): SourceBatch => ({ kind: "events", events: [], problems: [text] });

Deno.test("batches leave in the order in which they were added, and a full queue makes the next one wait", async () => {
  const inbox = new Inbox();
  for (let i = 0; i < INBOX_BATCHES_MAX; i++) assert.equal(inbox.put(batch(`${i}`)), undefined);
  const waits = inbox.put(batch("last"));
  assert.ok(waits instanceof Promise);
  for (let i = 0; i < INBOX_BATCHES_MAX; i++) assert.deepEqual(await inbox.take(), batch(`${i}`));
  await waits;
  assert.deepEqual(inbox.peek(), batch("last"));
  assert.deepEqual(await inbox.take(), batch("last"));
});

Deno.test("a closed queue is empty and lets no caller wait", async () => {
  const inbox = new Inbox();
  const taken = inbox.take();
  inbox.close();
  assert.equal(await taken, undefined);
  const full = new Inbox();
  for (let i = 0; i < INBOX_BATCHES_MAX; i++) void full.put(batch(`${i}`));
  const waits = full.put(batch("last"));
  full.close();
  await waits;
  assert.equal(
    full.put(batch("later")),
    undefined,
    "a closed queue accepts batches, so that no reflector hangs",
  );
});

Deno.test("what has arrived is read before the next batch is taken: until a turn of the loop brings nothing, or time is up", async () => {
  const inbox = new Inbox();
  let [now, turns] = [0, 0];
  const clock = (left: number) => ({
    now: () => now,
    turn: () => {
      turns++;
      now++;
      if (turns <= left) inbox.put(batch("one more"));
      return Promise.resolve();
    },
  });
  await inbox.readArrived(100, clock(3));
  assert.equal(turns, 4);
  [now, turns] = [0, 0];
  await inbox.readArrived(10, clock(Infinity));
  assert.equal(turns, 10);
});
