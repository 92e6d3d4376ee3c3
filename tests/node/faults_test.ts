// A fault is counted and recorded as a gap of no records. It ends the loop where it may have broken the engine.

import assert from "node:assert/strict";
import { InvariantError } from "../../src/invariant.ts";
import type { GapRecord } from "../../src/ledger/record.ts";
import { FAULTS_WAITING_MAX, UNCAUGHT_PER_MINUTE_MAX } from "../../src/limits/serving.ts";
import { Faults } from "../../src/node/faults.ts";

function newFaults() {
  const counted: string[] = [];
  const records: GapRecord[] = [];
  const faults = new Faults({ faulted: (kind) => counted.push(kind) });
  const append = (record: GapRecord) => void records.push(record);
  return { faults, counted, records, append, [Symbol.dispose]: () => faults[Symbol.dispose]() };
}

Deno.test("a fault outside the engine is recorded, and the loop goes on", () => {
  using all = newFaults();
  const broken = all.faults.attach(all.append);
  all.faults.note("answer", new TypeError("token=abc is no function"));
  assert.equal(broken.aborted, false);
  assert.deepEqual(all.counted, ["answer"]);
  assert.deepEqual(all.records.map(({ reason, records }) => [reason, records]), [
    ["a fault of this program (answer): TypeError: token=... is no function; the program goes on", 0],
  ]);
});

Deno.test("an InvariantError ends the loop; the next loop records it, and it is not counted twice", () => {
  using all = newFaults();
  const broken = all.faults.attach(all.append);
  all.faults.note("rejection", new InvariantError("positions out of order"));
  assert.equal(broken.aborted, true);
  assert.equal(all.records.length, 0, "the ledger of the broken loop may be broken too");
  all.faults.detach();
  all.faults.loopEnded(broken.reason);
  assert.deepEqual(all.counted, ["rejection"]);
  assert.equal(all.faults.attach(all.append).aborted, false);
  assert.match(all.records[0]!.reason, /positions out of order; the loop starts again$/);
});

Deno.test("many faults are all counted, and few of them are recorded or wait", () => {
  using all = newFaults();
  for (let i = 0; i < 500; i++) all.faults.note("rejection", new Error("again"));
  all.faults.attach(all.append);
  assert.equal(all.counted.length, 500);
  assert.ok(all.records.length <= Math.min(FAULTS_WAITING_MAX, UNCAUGHT_PER_MINUTE_MAX));
});
