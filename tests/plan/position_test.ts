// The position as an element.

import assert from "node:assert/strict";
import type { Elements } from "../../src/nft/ruleset.ts";
import { POSITION_PATH, positionElement, positionOf } from "../../src/plan/position.ts";

Deno.test("a position is read from the element that holds it, and from no other comment", () => {
  const position = { ledger: "0123456789abcdef", offset: 12345, digest: "ab".repeat(32) };
  const element = positionElement(position);
  assert.ok(element.comment!.length <= 127);
  const held = (comment: string): Elements =>
    new Map([[POSITION_PATH, new Map([[element.key, { key: element.key, comment }]])]]);
  assert.deepEqual(positionOf(held(element.comment!)), position);
  assert.equal(positionOf(held("ledger of another program")), undefined);
  assert.equal(positionOf(new Map()), undefined);
});
