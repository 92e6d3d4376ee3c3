// The laws of Delta and of plan.

import assert from "node:assert/strict";
import fc from "fast-check";
import { CONTAINERS } from "../../src/fold/skeleton.ts";
import type { Element, ElementKey, Elements, SetPath } from "../../src/nft/ruleset.ts";
import { applyDelta, compose, type Delta, diff, invert, type MutableElements } from "../../src/plan/delta.ts";
import { elementOperations, plan } from "../../src/plan/plan.ts";
import { POSITION_PATH, positionElement, positionOf } from "../../src/plan/position.ts";

const PATH = "ip ledgerproxy service-ips" as SetPath;
const DATA = "ip ledgerproxy endpoints" as SetPath;

const elements: fc.Arbitrary<Elements> = fc.dictionary(
  fc.constantFrom("1", "2", "3", "4"),
  fc.constantFrom("goto pick-1", "goto pick-2"),
).chain((verdicts) =>
  fc.dictionary(fc.constantFrom("1", "2", "3"), fc.constantFrom("10.0.0.1 . 80", "10.0.0.2 . 80")).map(
    (data) => {
      const keyed = (of: Record<string, string>, key: (n: string) => string) =>
        new Map(
          Object.entries(of).map((
            [n, value],
          ): [ElementKey, Element] => [key(n) as ElementKey, { key: key(n) as ElementKey, value }]),
        );
      return new Map([
        [PATH, keyed(verdicts, (n) => `10.96.0.${n} . tcp . 80`)],
        [DATA, keyed(data, (n) => `10.96.0.1 . tcp . 80 . ${n}`)],
      ]);
    },
  )
);

const copy = (all: Elements): MutableElements => new Map([...all].map(([path, set]) => [path, new Map(set)]));

function applied(all: Elements, ...deltas: Delta[]): Elements {
  const result = copy(all);
  for (const delta of deltas) applyDelta(result, delta);
  return result;
}

Deno.test("apply(a, diff(a, b)) = b, and diff(a, a) is empty", () => {
  fc.assert(fc.property(elements, elements, (a, b) => {
    assert.deepEqual(applied(a, diff(a, b)), b);
    assert.deepEqual(diff(a, copy(a)), []);
  }));
});

Deno.test("compose does one after the other, is associative, and invert undoes", () => {
  fc.assert(fc.property(elements, elements, elements, elements, (a, b, c, d) => {
    const [first, second, third] = [diff(a, b), diff(b, c), diff(c, d)];
    assert.deepEqual(applied(a, compose(first, second)), applied(a, first, second));
    assert.deepEqual(compose(compose(first, second), third), compose(first, compose(second, third)));
    assert.deepEqual(applied(a, first, invert(first)), a);
  }));
});

Deno.test("a delta refuses elements that are not as it found them", () => {
  const a: Elements = new Map([[PATH, new Map()]]);
  const b: Elements = new Map([[
    PATH,
    new Map([["k" as ElementKey, { key: "k" as ElementKey, value: "drop" }]]),
  ]]);
  assert.throws(() => applyDelta(copy(b), diff(a, b)), /not as the delta found it/);
});

Deno.test("plan finds what differs among the touched keys and nothing else", () => {
  fc.assert(fc.property(elements, elements, (a, b) => {
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
  fc.assert(fc.property(elements, elements, (a, b) => {
    const rank = (operation: { verb: string; set?: SetPath }) =>
      operation.verb === "delete" ? 0 : operation.set === DATA ? 1 : 2;
    const ranks = elementOperations(diff(a, b), CONTAINERS).map((operation) =>
      rank(operation as { verb: string; set?: SetPath })
    );
    assert.deepEqual(ranks, [...ranks].sort());
  }));
});

Deno.test("a position is read back from the element that says it, and from no other comment", () => {
  const position = { ledger: "0123456789abcdef", offset: 12345, digest: "ab".repeat(32) };
  const element = positionElement(position);
  assert.ok(element.comment!.length <= 127);
  const held = (comment: string): Elements =>
    new Map([[POSITION_PATH, new Map([[element.key, { key: element.key, comment }]])]]);
  assert.deepEqual(positionOf(held(element.comment!)), position);
  assert.equal(positionOf(held("ledger of another program")), undefined);
  assert.equal(positionOf(new Map()), undefined);
});
