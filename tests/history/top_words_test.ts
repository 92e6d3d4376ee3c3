// The text about what was busy.

import assert from "node:assert/strict";
import { topIn } from "../../src/history/top.ts";
import { topLines } from "../../src/history/top_words.ts";
import { pastOf, secondsOf, timeAt } from "../support/past.ts";
import { ALL, webPast } from "../support/web_history.ts";

Deno.test("three tables, each with its head", () => {
  const lines = topLines(topIn(webPast(), ALL, 2), secondsOf);
  assert.deepEqual(lines.slice(0, 9), [
    "@0 to @13",
    "",
    "CHANGES  ENDPOINTS  SERVICE    LAST",
    "6        6          shop/web   @9",
    "1        0          shop/cart  @11",
    "",
    "CAME BACK  ENDPOINT         SERVICE   LAST",
    "1          10.244.0.1:8080  shop/web  @7",
    "1          10.244.0.2:8080  shop/web  @7",
  ]);
  assert.match(lines[10]!, /^IN THE KERNEL +OPERATIONS +COMMIT +TIME +RECORDS$/);
  assert.equal(lines.length, 13);
});

Deno.test("a table without rows is a sentence", () => {
  const past = pastOf([{ kind: "config", time: timeAt(0), version: "1", nodeName: "" }]);
  const lines = topLines(topIn(past, { from: 0, through: 0 }, 2), secondsOf);
  assert.deepEqual(lines.filter((line) => line !== ""), [
    "@0 to @0",
    "no Service changed",
    "no endpoint came back",
    "nothing was committed",
  ]);
});
