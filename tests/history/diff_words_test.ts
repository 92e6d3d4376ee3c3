// The text that `diff` prints.

import assert from "node:assert/strict";
import { differences, sideOfPast } from "../../src/history/diff.ts";
import { differenceLines } from "../../src/history/diff_words.ts";
import { stateAt } from "../../src/history/past.ts";
import { committedPast } from "../support/past.ts";

Deno.test("the first side has a minus, the second a plus, and the last line names the cause", () => {
  const past = committedPast();
  const [before, after] = [2, 4].map((offset) => sideOfPast(stateAt(past, offset)));
  const [removed, , added] = differences(before!, after!).filter(({ set }) => set.endsWith("endpoints"));
  const slot = (number: number, address: string) =>
    `ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . ${number} comment "shop/web:http" : ${address} . 8080 }`;
  const single =
    'ip ledgerproxy single-endpoints { 10.96.0.1 . tcp . 80 comment "shop/web:http" : 10.244.0.2 . 8080 }';
  assert.deepEqual(differenceLines(removed!), [`- ${slot(0, "10.244.0.1")}   @1 EndpointSlice shop/web-a`]);
  assert.deepEqual(differenceLines(added!), [`+ ${single}   @3 EndpointSlice shop/web-a`]);
  const changed = { ...added!, before: { ...added!.after!, value: "10.244.0.1 . 8080" } };
  assert.deepEqual(differenceLines(changed), [
    `- ${single.replace("0.2 . 8080", "0.1 . 8080")}`,
    `+ ${single}   @3 EndpointSlice shop/web-a`,
  ]);
  assert.deepEqual(differenceLines({ ...changed, before: null, cause: null }), [`+ ${single}`]);
});
