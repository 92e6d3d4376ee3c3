// Values over time in stretches of equal length.

import assert from "node:assert/strict";
import { bucketed, stretchOf } from "../../src/report/buckets.ts";

Deno.test("a stretch has a round length, and the chart not too many of them", () => {
  assert.equal(stretchOf(60_000, 60), 1000);
  assert.equal(stretchOf(61_000, 60), 2000);
  assert.equal(stretchOf(0, 10), 1);
  assert.equal(stretchOf(1000 * 86_400_000, 100), 10 * 86_400_000);
});

Deno.test("a stretch has the median and the 99th percentile of its values; a stretch without values is left out", () => {
  const sample = (time: number, ...values: number[]) => ({ time, values });
  const buckets = bucketed([sample(5000, 9), sample(100, 1, 2, 3), sample(900, 50), sample(2000)], 1000);
  assert.deepEqual(buckets, { seconds: [0.5, 5.5], count: [4, 1], median: [2, 9], high: [50, 9] });
});
