// A delta as the element changes of a commit record.

import assert from "node:assert/strict";
import { type Element, elementKey, setPath } from "../../src/nft/ruleset.ts";
import { committedChanges, countCommittedChanges } from "../../src/plan/committed_changes.ts";
import type { Delta } from "../../src/plan/delta.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";

const SET = setPath("ip", "ledgerproxy", "endpoints");
const element = (slot: string, value?: string): Element => ({
  key: elementKey(["10.96.0.1", "tcp", "80", slot]),
  ...(value === undefined ? {} : { value, comment: "shop/web:http" }),
});

const DELTA: Delta = [
  { set: SET, key: element("0").key, before: element("0", "a"), after: element("0", "b"), cause: 3 },
  { set: SET, key: element("1").key, before: undefined, after: element("1") },
  { set: POSITION_PATH, key: element("2").key, before: undefined, after: element("2") },
];

Deno.test("a replaced element is deleted and added; a change without a cause gets the last record", () => {
  const place = (slot: string, cause: number) => ({ set: SET, key: element(slot).key, cause });
  assert.deepEqual(committedChanges(DELTA, 9), [
    { verb: "delete", ...place("0", 3), value: "a", comment: "shop/web:http" },
    { verb: "add", ...place("0", 3), value: "b", comment: "shop/web:http" },
    { verb: "add", ...place("1", 9) },
  ]);
});

Deno.test("the position is left out, and the count is that of the changes", () => {
  assert.equal(countCommittedChanges(DELTA), committedChanges(DELTA, 9).length);
  assert.deepEqual(committedChanges(DELTA.slice(2), 9), []);
});
