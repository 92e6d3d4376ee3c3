// What changed Services last, and since when endpoints get traffic.

import assert from "node:assert/strict";
import { stateToRead } from "../../src/history/journal_reading.ts";
import { knownPast } from "../../src/history/last_changes.ts";
import type { Past } from "../../src/history/past.ts";
import { servicesOfState } from "../../src/history/services.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

/** Each Service at `offset` with the record that changed it last, and the endpoints with that since when they serve. */
function known(past: Past, offset: number): unknown[] {
  const state = stateToRead(past, offset);
  const found = knownPast(past, state, new Set(state.services.keys()), true);
  return servicesOfState(state, state.services.keys(), found).map(({ service, changed, endpoints }) => [
    service,
    changed?.offset,
    ...endpoints.map(({ endpoint, since }) => `${endpoint} ${since === null ? "-" : `@${since.offset}`}`),
  ]);
}

Deno.test("at each position the last record about a Service and the one that brought each endpoint back are found", () => {
  const past = webPast();
  assert.deepEqual(known(past, 1), [["shop/web", 1, "10.244.0.1:8080 @1", "10.244.0.2:8080 @1"]]);
  assert.deepEqual(known(past, 4), [["shop/web", 3, "10.244.0.2:8080 @1"]]);
  assert.deepEqual(known(past, 6), [["shop/web", 5, "10.244.0.2:8080 -"]]);
  assert.deepEqual(known(past, 13), [["shop/cart", 11], [
    "shop/web",
    9,
    "10.244.0.1:8080 @7",
    "10.244.0.2:8080 @7",
  ]]);
});

Deno.test("an endpoint that moves to another slot serves since it came", () => {
  const past = committedPast([
    [
      appears(service("shop/web 10.96.0.1 http:80/tcp")),
      appears(slice("shop/web-a http:8080/tcp 10.0.0.1 10.0.0.2 10.0.0.3")),
    ],
    [appears(slice("shop/web-a http:8080/tcp 10.0.0.2 10.0.0.3"))],
  ]);
  const { desired, causes } = stateToRead(past, 4);
  const slots = [...desired.get("ip ledgerproxy endpoints" as never)!.keys()];
  const moved = slots.filter((slot) => causes.get("ip ledgerproxy endpoints" as never)?.get(slot) === 3);
  assert.equal(moved.length, 1, "the slot that was emptied has the later record");
  assert.deepEqual(known(past, 4), [["shop/web", 3, "10.0.0.2:8080 @1", "10.0.0.3:8080 @1"]]);
});
