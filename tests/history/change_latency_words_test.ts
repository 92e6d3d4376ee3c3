// The text about latencies.

import assert from "node:assert/strict";
import { latencyIn } from "../../src/history/change_latency.ts";
import { latencyLines } from "../../src/history/change_latency_words.ts";
import { secondsOf } from "../support/past.ts";
import { ALL, webPast } from "../support/web_history.ts";

Deno.test("a line for each stage, with the slowest change; what was not measured is a dash", () => {
  const latency = latencyIn(webPast(), ALL);
  assert.deepEqual(latencyLines(latency, secondsOf), [
    "@0 to @13",
    "STAGE               CHANGES  P50   P99   WORST  OF",
    "trigger to arrival  0        -     -     -",
    "arrival to commit   7        0 ms  0 ms  0 ms   @0 Service shop/web, arrived 01, committed by @2",
    "trigger to commit   0        -     -     -",
  ]);
  assert.match(latencyLines({ ...latency, clock: "played" }, secondsOf)[1]!, /a recording was played/);
});
