// The results of assertions as text.

import assert from "node:assert/strict";
import { checkedLines } from "../../src/history/assertion_words.ts";
import { broken, held } from "../../src/history/journal_checks.ts";

Deno.test("an assertion that holds has a line; a broken one says how, by which commit and because of which record", () => {
  const clock = (time: string) => `at ${time}`;
  assert.deepEqual(checkedLines(held("drift"), clock), ["ok      drift"]);
  assert.deepEqual(checkedLines(broken("ready", "1 is ready"), clock), ["BROKEN  ready: 1 is ready"]);
  const cause = { offset: 5, what: "EndpointSlice shop/web-a", time: "t5" };
  assert.deepEqual(checkedLines(broken("ready", "1 is ready", { offset: 6, time: "t6" }, cause), clock), [
    "BROKEN  ready: 1 is ready",
    "    first by the commit @6 at t6",
    "    because of @5 EndpointSlice shop/web-a, at t5",
  ]);
});
