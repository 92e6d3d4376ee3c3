// A large batch of events in portions: nothing is lost, and no portion is too large.

import assert from "node:assert/strict";
import fc from "fast-check";
import { portions } from "../../src/ingest/portions.ts";
import type { EventsBatch, SourceBatch } from "../../src/ingest/source.ts";
import { PORTION } from "../../src/limits/input.ts";
import { appears, slice, vanishes } from "../support/cluster_notation.ts";

/** A batch of slices with so many endpoints each; a negative number is a deletion. */
function batchOf(counts: readonly number[]): EventsBatch {
  const events = counts.map((count, i) => {
    const addresses = Array.from({ length: Math.abs(count) }, (_, k) => `10.244.${k >> 8}.${k & 255}`);
    const one = slice(`shop/s${i}-a http:8080/tcp ${addresses.join(" ")}`.trim());
    return count < 0 ? vanishes(one) : appears(one);
  });
  return { kind: "events", events, problems: ["one problem"] };
}

function endpointsIn(batch: EventsBatch): number {
  return batch.events.reduce(
    (sum, { value }) => sum + (value?.kind === "EndpointSlice" ? value.endpoints.length : 0),
    0,
  );
}

Deno.test("the portions of a batch are the batch, and each but the last is as large as allowed", () => {
  const count = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-1000, 500, 1000));
  fc.assert(
    fc.property(fc.array(count, { minLength: 1, maxLength: 3 * PORTION.events }), (counts) => {
      const batch = batchOf(counts);
      const parts = [...portions(batch)] as EventsBatch[];
      assert.deepEqual(parts.flatMap(({ events }) => events), batch.events);
      assert.deepEqual(parts.flatMap(({ problems }) => problems), batch.problems);
      for (const [i, part] of parts.entries()) {
        const { length } = part.events;
        assert.ok(length > 0 && length <= PORTION.events);
        assert.ok(length === 1 || endpointsIn(part) <= PORTION.endpoints);
        const next = parts[i + 1]?.events[0];
        if (next === undefined || length === PORTION.events) continue;
        const longer = { ...part, events: [...part.events, next] };
        assert.ok(endpointsIn(longer) > PORTION.endpoints, "the next event had no place");
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("a list, and a batch of problems alone, stay whole", () => {
  const time = "2026-11-27T09:00:00.000Z";
  const list: SourceBatch = { kind: "list", objects: [], complete: true, time, problems: [] };
  assert.deepEqual([...portions(list)], [list]);
  const problems: SourceBatch = { kind: "events", events: [], problems: ["a problem"] };
  assert.deepEqual([...portions(problems)], [problems]);
});
