// What the kernel holds beside the end of a ledger: nothing differs, elements differ, or the tables are another ledger's.

import assert from "node:assert/strict";
import { compareWithKernel } from "../../src/history/kernel_comparison.ts";
import { stateAt } from "../../src/history/past.ts";
import { assembled } from "../../src/nft/objects.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { POSITION_PATH, positionElement } from "../../src/plan/position.ts";
import { committedPast } from "../support/past.ts";

const LEDGER = "0123456789abcdef";

/** The state at the end of a ledger, and the ruleset that its last commit left. */
function committed() {
  const { state } = stateAt(committedPast(), Infinity);
  const { tables, desired } = state;
  const digest = digestText(rulesetDigest(tables, desired));
  const position = positionElement({ ledger: LEDGER, offset: state.committed!, digest });
  const elements = new Map(desired).set(POSITION_PATH, new Map([[position.key, position]]));
  return { state, tables, elements };
}

Deno.test("the kernel holds what was committed", () => {
  const { state, tables, elements } = committed();
  const listed = assembled({ tables, elements });
  assert.deepEqual(compareWithKernel(LEDGER, state, listed), { disagreement: undefined, elements: [] });
});

Deno.test("an element that is missing is named, and the elements are not those of the position", () => {
  const { state, tables, elements } = committed();
  const [path, set] = [...elements].find(([path, { size }]) => path !== POSITION_PATH && size > 0)!;
  const [missing, ...rest] = set;
  const listed = assembled({ tables, elements: new Map(elements).set(path, new Map(rest)) });
  const found = compareWithKernel(LEDGER, state, listed);
  assert.equal(found.disagreement, "altered");
  assert.deepEqual(found.elements.map(({ set, key, before }) => [set, key, before]), [[
    path,
    missing![0],
    null,
  ]]);
});

Deno.test("rules of another ledger are foreign, though their elements are the same", () => {
  const { state, tables, elements } = committed();
  const found = compareWithKernel("f".repeat(16), state, assembled({ tables, elements }));
  assert.deepEqual(found, { disagreement: "foreign", elements: [] });
});
