// Plans: which keys they compare, and in which order their operations are.

import assert from "node:assert/strict";
import fc from "fast-check";
import { CONTAINERS } from "../../src/fold/skeleton.ts";
import type { ElementKey, SetPath } from "../../src/nft/ruleset.ts";
import type { Operation } from "../../src/nft/transaction.ts";
import { diff } from "../../src/plan/delta.ts";
import { elementOperations, plan } from "../../src/plan/plan.ts";
import { arbitraryElements, DATA } from "../support/arbitrary_elements.ts";

Deno.test("plan finds the differences among the touched keys, and no others", () => {
  fc.assert(fc.property(arbitraryElements, arbitraryElements, (a, b) => {
    const all = diff(a, b);
    const touched = new Map<SetPath, Map<ElementKey, number>>();
    for (const [path, set] of [...a, ...b]) {
      touched.set(
        path,
        new Map([...touched.get(path) ?? [], ...[...set.keys()].map((key) => [key, 5] as const)]),
      );
    }
    assert.deepEqual(plan(a, b, touched), all.map((change) => ({ ...change, cause: 5 })));
    assert.deepEqual(plan(a, a, touched), []);
    assert.deepEqual(plan(a, b, new Map()), []);
  }));
});

Deno.test("operations delete before they add, and add data before the verdicts that lead to it", () => {
  fc.assert(fc.property(arbitraryElements, arbitraryElements, (a, b) => {
    const rank = (operation: Operation) =>
      operation.verb === "delete" ? 0 : operation.noun === "element" && operation.set === DATA ? 1 : 2;
    const ranks = elementOperations(diff(a, b), CONTAINERS).map(rank);
    assert.deepEqual(ranks, [...ranks].sort());
  }));
});
