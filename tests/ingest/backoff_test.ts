// Pauses between retries.

import assert from "node:assert/strict";
import { backoff } from "../../src/ingest/backoff.ts";

const TIMES = { backoffMilliseconds: 800, backoffMaxMilliseconds: 30_000 };

Deno.test("a pause is in the upper half of a length that doubles up to the maximum", () => {
  const draws = { seed: 1 };
  for (
    const [failures, longest] of [[0, 800], [1, 1600], [5, 25_600], [6, 30_000], [1000, 30_000]] as const
  ) {
    for (let i = 0; i < 100; i++) {
      const pause = backoff(failures, TIMES, draws);
      assert.ok(pause >= longest / 2 && pause < longest, `${pause} after ${failures} failures`);
    }
  }
});

Deno.test("equal seeds give equal pauses, and a pause changes the next one", () => {
  const pauses = (seed: number) => {
    const draws = { seed };
    return [0, 0, 0].map((failures) => backoff(failures, TIMES, draws));
  };
  assert.deepEqual(pauses(7), pauses(7));
  assert.notDeepEqual(pauses(7), pauses(8));
  assert.equal(new Set(pauses(7)).size, 3);
});
