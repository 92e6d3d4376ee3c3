// What the program hands to the writer of its ledger, for each thing that the writer or the disk can do.

import assert from "node:assert/strict";
import { NEWBORN } from "../../src/ledger/age.ts";
import type { SyncPolicy } from "../../src/ledger/disk_writer.ts";
import { genesisChain } from "../../src/ledger/format.ts";
import {
  handoffFailure,
  type HandoffInput,
  handoffNext,
  newHandoff,
  stepHandoff,
} from "../../src/ledger/handoff.ts";
import { RecordEncoder } from "../../src/ledger/record_encoder.ts";
import { EVERY_KIND, ID } from "../support/ledger_records.ts";

const RECORDS = EVERY_KIND.slice(0, 1);
const APPEND = { kind: "append", records: RECORDS } as const;

/** A handoff at the beginning of a ledger, and its effects as text. */
function begun(policy: SyncPolicy = "interval", waitingMax = 10_000) {
  const encoder = new RecordEncoder(ID, { next: 0, chain: genesisChain(ID) }, NEWBORN);
  const state = newHandoff(encoder, policy, 0, waitingMax);
  const step = (input: HandoffInput, now = 0) =>
    stepHandoff(state, input, now).map((effect) => {
      switch (effect.kind) {
        case "post":
          return effect.request.kind === "append" ? `append @${effect.request.first}` : effect.request.kind;
        case "wait":
          return `wait for @${effect.next}${effect.durable ? " durable" : ""}`;
        case "reopen":
          return "reopen";
      }
    });
  const wrote = (written: number, durable = 0, bytes = state.handedBytes, now = 0) =>
    step({ kind: "progress", progress: { written, durable, bytes } }, now);
  return { state, step, wrote };
}

Deno.test("rules wait for the records that they follow, and not for a writer that was late", () => {
  const { step, wrote } = begun();
  assert.deepEqual(step(APPEND), ["append @0"]);
  assert.deepEqual(step({ kind: "await-written" }), ["wait for @1"]);
  step({ kind: "waited", late: true });
  assert.deepEqual(step(APPEND), ["append @1"]);
  assert.deepEqual(step({ kind: "await-written" }), [], "it was late");
  wrote(1);
  assert.deepEqual(step({ kind: "await-written" }), [], "it has not caught up");
  wrote(2);
  assert.deepEqual(step({ kind: "await-written" }), [], "nothing to wait for");
  step(APPEND);
  assert.deepEqual(step({ kind: "await-written" }), ["wait for @3"]);
});

Deno.test("with the policy always, rules wait until records are durable", () => {
  const { step, wrote } = begun("always");
  step(APPEND);
  wrote(1, 0);
  assert.deepEqual(step({ kind: "await-written" }), ["wait for @1 durable"]);
  wrote(1, 1);
  assert.deepEqual(step({ kind: "await-written" }), []);
});

Deno.test("rules do not wait while the disk fails, and the failure counts what waits", () => {
  const { state, step, wrote } = begun();
  step(APPEND);
  step({ kind: "disk", reason: "No space left on device" });
  assert.deepEqual(step({ kind: "await-written" }), []);
  assert.deepEqual(handoffFailure(state, 0), { reason: "No space left on device", records: 1 });
  step({ kind: "disk", reason: undefined });
  wrote(1);
  assert.equal(handoffFailure(state, 0), undefined);
});

Deno.test("a writer that does not write, or does not sync, counts as failing after a while", () => {
  for (const hangs of ["write", "sync"]) {
    const { state, step, wrote } = begun();
    step(APPEND, 1000);
    if (hangs === "sync") wrote(1, 0, state.handedBytes, 1000);
    assert.deepEqual(step({ kind: "sync" }, 1000), ["sync"]);
    assert.deepEqual(step({ kind: "sync" }, 2000), [], "one is enough");
    const turns = (from: number, to: number) => {
      for (let at = from; at <= to; at += 1000) step({ kind: "turn" }, at);
    };
    turns(2000, 4000);
    assert.equal(handoffFailure(state, 4000), undefined);
    turns(5000, 5000);
    const records = hangs === "write" ? 1 : 0;
    assert.deepEqual(handoffFailure(state, 5000), {
      reason: "the disk has not answered for 4 s",
      records,
    });
    turns(6000, 32_000);
    assert.deepEqual(step({ kind: "sync" }, 32_000), ["sync"], "the first one may be lost");
    wrote(1, 1, state.handedBytes, 33_000);
    assert.equal(handoffFailure(state, 60_000), undefined);
  }
});

Deno.test("a sync that failed is asked for again", () => {
  const { step, wrote } = begun();
  step(APPEND);
  assert.deepEqual(step({ kind: "sync" }), ["sync"]);
  step({ kind: "disk", reason: "EIO" });
  assert.deepEqual(step({ kind: "sync" }), ["sync"]);
  step({ kind: "disk", reason: undefined });
  wrote(1, 1);
  assert.deepEqual(step({ kind: "sync" }), [], "nothing is left to do");
});

Deno.test("where all is durable a sync is asked for seldom: to look at the files", () => {
  const { step, wrote } = begun();
  const asked: number[] = [];
  step(APPEND);
  for (let at = 0; at <= 30_000; at += 1000) {
    step({ kind: "turn" }, at);
    if (step({ kind: "sync" }, at).length > 0) asked.push(at);
    wrote(1, 1, undefined, at);
  }
  assert.deepEqual(asked, [0, 10_000, 20_000, 30_000]);
});

Deno.test("what exceeds the bound is left out and counted, offsets go on, and the ledger is opened again once all else is written", () => {
  const { state, step, wrote } = begun("interval", 100);
  const turn = { kind: "turn" } as const;
  step(turn);
  assert.deepEqual(step(APPEND), ["append @0"]);
  step(turn);
  assert.deepEqual(step(APPEND), ["append @1"]);
  step(turn);
  assert.ok(state.handedBytes > 2 * 100);
  assert.deepEqual(step(APPEND), []);
  assert.deepEqual(step({ kind: "append", records: EVERY_KIND.slice(0, 2) }), []);
  assert.equal(handoffNext(state), 5);
  assert.deepEqual(handoffFailure(state, 0), {
    reason: "the disk was too slow: records were left out",
    records: 5,
  });
  assert.deepEqual(wrote(1), []);
  assert.deepEqual(wrote(2), ["reopen"]);
  step(turn);
  assert.deepEqual(step(APPEND), [], "a ledger has no holes: nothing more is handed over");
  assert.deepEqual(wrote(2), [], "once");
});

Deno.test("what comes in one turn is not cut, and does not count until it is written", () => {
  const { state, step } = begun("interval", 1000);
  const turn = { kind: "turn" } as const;
  const list = { kind: "append", records: Array.from({ length: 20 }, () => RECORDS[0]!) } as const;
  step(turn);
  assert.deepEqual([step(list), step(list), step(APPEND)], [["append @0"], ["append @20"], ["append @40"]]);
  const burst = state.handedBytes;
  assert.ok(burst > 2 * 1000);
  step(turn);
  assert.deepEqual(step(APPEND), ["append @41"], "the disk had no time yet");
  while (state.leftOut === 0 && state.handedBytes < 2 * burst) {
    step(turn);
    step(APPEND);
  }
  const behind = state.handedBytes - burst;
  assert.ok(behind > 1000 && behind < 1500, `${behind} bytes behind it`);
});

Deno.test("the time for which the loop does not turn is not the disk's", () => {
  const { state, step } = begun();
  step(APPEND, 1000);
  assert.equal(handoffFailure(state, 60_000), undefined, "at the end of a long turn");
  step({ kind: "turn" }, 60_000);
  assert.equal(handoffFailure(state, 90_000), undefined, "at the end of another one");
  for (let at = 90_000; at <= 93_000; at += 1000) step({ kind: "turn" }, at);
  assert.equal(handoffFailure(state, 94_000)?.reason, "the disk has not answered for 4 s");
});

Deno.test("after the end of the writer the ledger is opened again, and records are counted", () => {
  const { state, step } = begun();
  step(APPEND);
  assert.deepEqual(step({ kind: "lost", reason: "the writer ended" }), ["reopen"]);
  assert.deepEqual(step({ kind: "lost", reason: "and again" }), []);
  assert.deepEqual([step(APPEND), step({ kind: "await-written" }), step({ kind: "sync" })], [[], [], []]);
  assert.deepEqual(handoffFailure(state, 0), { reason: "the writer ended", records: 2 });
});
