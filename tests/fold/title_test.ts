// Why a Service holds a frontend, in words that follow its name.

import assert from "node:assert/strict";
import { titleText } from "../../src/fold/title.ts";

Deno.test("each title has words; a snapshot of an earlier version has no title, where age alone counted", () => {
  assert.equal(titleText("cluster IP"), "whose cluster IP it is");
  assert.equal(titleText("load balancer"), "whose load balancer has it");
  assert.equal(titleText("oldest"), "the oldest");
  assert.equal(titleText(undefined), "the oldest");
});
