// Names that are near a wrong one.

import assert from "node:assert/strict";
import fc from "fast-check";
import { editsBetween, nearNames } from "../../src/history/near_names.ts";

const NAMES = [
  "shop/web",
  "shop/webs",
  "shop/cart",
  "payments/bookings",
  "kube-system/kube-dns",
  "web",
  "cart",
];

Deno.test("a name with a typing error is near, the nearest first; a name without likeness is not", () => {
  assert.deepEqual(nearNames("shop/wbe", NAMES), ["shop/web", "shop/webs"]);
  assert.deepEqual(nearNames("payments/booking", NAMES), ["payments/bookings"]);
  assert.deepEqual(nearNames("kube-system/kube", NAMES), ["kube-system/kube-dns"], "the beginning of a name");
  const many = Array.from({ length: 9 }, (_, i) => `shop/s${i}`);
  assert.equal(nearNames("shop/S7", [...many, "shop/s70"])[0], "shop/s7", "capitals are an error of typing");
  assert.deepEqual(nearNames("zzzzzzzz", NAMES), []);
  assert.equal(nearNames("shop/s", Array.from({ length: 100 }, (_, i) => `shop/s${i}`)).length, 5);
});

Deno.test("edits are counted: insertions, removals, replacements and swaps of neighbours", () => {
  const cases: [string, string, number][] = [
    ["web", "web", 0],
    ["web", "wb", 1],
    ["web", "webs", 1],
    ["web", "wab", 1],
    [
      "web",
      "wbe",
      1,
    ],
    ["web", "bew", 2],
    ["", "ab", 2],
  ];
  for (const [a, b, edits] of cases) assert.equal(editsBetween(a, b, 9), edits, `${a} ${b}`);
  assert.equal(editsBetween("web", "bew", 1), undefined);
});

Deno.test("property: the bound decides only whether there is an answer; the distance is a distance", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 7 });
  fc.assert(fc.property(word, word, fc.nat(8), (a, b, most) => {
    const edits = editsBetween(a, b, 99)!;
    assert.equal(editsBetween(a, b, most), edits <= most ? edits : undefined);
    assert.equal(editsBetween(b, a, 99), edits);
    assert.equal(edits === 0, a === b);
    assert.ok(edits >= Math.abs(a.length - b.length) && edits <= Math.max(a.length, b.length));
  }));
});
