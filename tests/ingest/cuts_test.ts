// Cut watches: the first one is reported at once, later ones once a minute, with their number.

import assert from "node:assert/strict";
import { type Cuts, CUTS_MILLISECONDS, noteCut } from "../../src/ingest/cuts.ts";

Deno.test("many cuts make a line a minute, and each cut is counted in one line", () => {
  const cuts: Cuts = { count: 0, reportedAt: undefined };
  const start = 5_000_000;
  assert.equal(noteCut(cuts, "reset", start), "a watch was cut and is resumed: reset");
  for (let second = 20; second < 60; second += 20) {
    assert.equal(noteCut(cuts, "reset", start + second * 1000), undefined);
  }
  assert.equal(
    noteCut(cuts, "eof", start + CUTS_MILLISECONDS),
    "3 watches were cut in the last 60 s and resumed; the last one: eof",
  );
  assert.equal(
    noteCut(cuts, "eof", start + 3 * CUTS_MILLISECONDS),
    "a watch was cut and is resumed: eof",
    "one cut alone is named as the first",
  );
});
