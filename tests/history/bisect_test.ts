// The search for the commit with which a condition about the rules ends.

import assert from "node:assert/strict";
import { bisect, type Condition, flips } from "../../src/history/bisect.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

/**
 * Two Services (@0, @1, committed by @2), then batches of events: for each letter shop/web gets an endpoint ("x") or loses
 * it ("-"), and at the end of each batch shop/other changes, so that each batch is committed.
 */
function history(batches: readonly string[]): EventRecord[][] {
  const web = (letter: string) =>
    appears(slice(`shop/web-a http:8080/tcp ${letter === "x" ? "" : "!"}10.244.0.1`));
  const other = (i: number) => appears(slice(`shop/other-a http:8080/tcp 10.244.1.${1 + i % 200}`));
  return [
    [
      appears(service("shop/web 10.96.0.1 http:80/tcp")),
      appears(service("shop/other 10.96.0.2 http:80/tcp")),
    ],
    ...batches.map((letters, i) => [...[...letters].map(web), other(i)]),
  ];
}

const ENDPOINTS = setPath("ip", "ledgerproxy", "single-endpoints");
const FRONTEND = elementKey(["10.96.0.1", "tcp", "80"]);
const served: Condition = ({ desired }) => desired.get(ENDPOINTS)!.has(FRONTEND);

Deno.test("every commit that changes the condition is found, with the record that changed it", () => {
  // x @3 @4, commit @5; - @6 @7, commit @8; x- @9 @10 @11, commit @12; x @13 @14, commit @15
  const past = committedPast(history(["x", "-", "x-", "x"]));
  const found = [...flips(past, 2, 15, served)].map(({ commit, cause, holds }) => [commit, cause, holds]);
  assert.deepEqual(found, [[5, 3, true], [8, 6, false], [15, 13, true]]);
  assert.deepEqual(
    [...flips(past, 8, 12, served)],
    [],
    "a change that the same commit undoes reaches no kernel",
  );
});

Deno.test("the first commit that ends the condition is found, in a short ledger and in a long one", () => {
  const short = bisect(committedPast(history(["x", "x", "-", "-"])), 5, 14, served);
  assert.deepEqual([short?.commit, short?.cause, short?.holds], [11, 9, false]);
  const long = [...Array<string>(701).fill("x"), ...Array<string>(701).fill("-")];
  const found = bisect(committedPast(history(long)), 5, 2 + 3 * long.length, served);
  assert.deepEqual([found?.commit, found?.cause, found?.holds], [5 + 3 * 701, 3 + 3 * 701, false]);
});

Deno.test("a change that no commit brought to the kernel is not found", () => {
  assert.equal(bisect(committedPast(history(["x", "-"])), 5, 7, served), undefined);
});
