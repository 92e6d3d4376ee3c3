// Percentiles as the command `latency` and a report's page print them.

import assert from "node:assert/strict";
import { ascending, percentile } from "../../src/history/percentile.ts";

Deno.test("a percentile is one of the values: the smallest that its share does not exceed", () => {
  const hundred = ascending(Array.from({ length: 100 }, (_, i) => 100 - i));
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile([7], 0.01), 7);
  assert.equal(percentile([], 0.5), undefined);
});
