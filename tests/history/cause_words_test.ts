// Causes as text.

import assert from "node:assert/strict";
import { causeText } from "../../src/history/cause_words.ts";
import { secondsOf, timeAt } from "../support/past.ts";

Deno.test("a cause says how late its record arrived, from one second on", () => {
  const cause = { offset: 12, what: "EndpointSlice shop/web-a", time: timeAt(10), resourceVersion: "77" };
  assert.equal(
    causeText({ ...cause, triggered: timeAt(7) }, secondsOf),
    "by @12 EndpointSlice shop/web-a, resourceVersion 77, triggered 3 s before, arrived 10",
  );
  for (const early of [{}, { triggered: timeAt(10) }, { triggered: timeAt(11) }]) {
    assert.equal(
      causeText({ ...cause, ...early }, secondsOf),
      "by @12 EndpointSlice shop/web-a, resourceVersion 77, arrived 10",
    );
  }
});
