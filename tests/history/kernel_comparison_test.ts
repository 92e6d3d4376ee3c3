// What the kernel holds beside a ledger: nothing differs, elements differ, or the tables are another ledger's. The comparison is at
// the position that the kernel holds.

import assert from "node:assert/strict";
import { compareWithKernel, listedPosition } from "../../src/history/kernel_comparison.ts";
import { stateAt } from "../../src/history/past.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { assembled } from "../../src/nft/objects.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { POSITION_PATH, positionElement } from "../../src/plan/position.ts";
import { committedPast } from "../support/past.ts";
import type { Elements } from "../../src/nft/ruleset.ts";

const PAST = committedPast();

/** The ruleset that the commit of the record at \`offset\` left in a kernel, of which \`ledger\` says that it is its own. */
function held(offset: number, ledger = PAST.id()) {
  const { tables, desired } = stateAt(PAST, offset).state;
  const position = positionElement({ ledger, offset, digest: digestText(rulesetDigest(tables, desired)) });
  return {
    tables,
    elements: new Map([...desired as Elements]).set(POSITION_PATH, new Map([[position.key, position]])),
  };
}

/** The ledger as it is read by a user who has listed the kernel at \`offset\`. */
const verified = (offset: number) => verifyPast(PAST, { at: offset });

Deno.test("the kernel holds what was committed", () => {
  const listed = assembled(held(5));
  assert.equal(listedPosition(listed), 5);
  assert.deepEqual(compareWithKernel(verified(5), listed, false), { disagreement: undefined, elements: [] });
});

Deno.test("an element that is missing is named, and the elements are not those of the position", () => {
  const { tables, elements } = held(3);
  const [path, set] = [...elements].find(([path, { size }]) => path !== POSITION_PATH && size > 0)!;
  const [missing, ...rest] = set;
  const listed = assembled({ tables, elements: new Map(elements).set(path, new Map(rest)) });
  const found = compareWithKernel(verified(3), listed, true);
  assert.equal(found.disagreement, "altered");
  assert.deepEqual(found.elements.map(({ set, key, before }) => [set, key, before]), [[
    path,
    missing![0],
    null,
  ]]);
});

Deno.test("records that came after the listing are no difference; where the kernel stays behind them, they are", () => {
  const listed = assembled(held(3));
  assert.deepEqual(compareWithKernel(verified(3), listed, true), { disagreement: undefined, elements: [] });
  assert.equal(compareWithKernel(verified(3), listed, false).disagreement, "behind");
});

Deno.test("rules of another ledger are foreign, though their elements are the same", () => {
  const found = compareWithKernel(verified(5), assembled(held(5, "f".repeat(16))), false);
  assert.deepEqual(found, { disagreement: "foreign", elements: [] });
});
