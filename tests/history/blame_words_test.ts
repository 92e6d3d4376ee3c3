// The text that `blame` prints.

import assert from "node:assert/strict";
import { blameElements } from "../../src/history/blame.ts";
import { blameLines } from "../../src/history/blame_words.ts";
import { stateAt } from "../../src/history/past.ts";
import { committedPast, secondsOf, timeAt } from "../support/past.ts";

const [ENDPOINT] = blameElements(stateAt(committedPast(), 4), "10.96.0.1 . tcp . 80");

Deno.test("element, cause and commit have a line each", () => {
  const generation = ENDPOINT!.commit!.generation;
  assert.deepEqual(blameLines(ENDPOINT!, secondsOf), [
    'ip ledgerproxy single-endpoints { 10.96.0.1 . tcp . 80 comment "shop/web:http" : 10.244.0.2 . 8080 }',
    "    by @3 EndpointSlice shop/web-a, resourceVersion 102, arrived 02",
    `    committed @4 02, kernel generation ${generation}`,
  ]);
});

Deno.test("since when the endpoint of a slot serves is said where it only moved there", () => {
  const since = { offset: 1, time: timeAt(1), what: "EndpointSlice shop/web-a (appeared)" };
  assert.equal(
    blameLines(ENDPOINT!, secondsOf, since).at(-1),
    "    serves since @1 EndpointSlice shop/web-a (appeared), 01: since then it only moved to this slot",
  );
  assert.equal(blameLines(ENDPOINT!, secondsOf, { ...since, offset: 3 }).length, 3);
});

Deno.test("an element without a commit or without a cause is printed as such", () => {
  assert.equal(blameLines({ ...ENDPOINT!, commit: null }, secondsOf).at(-1), "    not committed");
  assert.deepEqual(blameLines({ ...ENDPOINT!, cause: null, commit: null }, secondsOf).slice(1), [
    "    by the skeleton",
  ]);
});
