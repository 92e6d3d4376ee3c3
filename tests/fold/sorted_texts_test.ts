// Texts in order: changes of few and of many give the same as sorting them all.

import assert from "node:assert/strict";
import fc from "fast-check";
import { areAmong, SortedTexts } from "../../src/fold/sorted_texts.ts";

const texts = fc.uniqueArray(fc.nat({ max: 200 }).map((n) => `10.0.0.${n} . 80`), { maxLength: 120 });

Deno.test("texts with some removed and some inserted are in order", () => {
  fc.assert(fc.property(texts, texts, (before, after) => {
    const sorted = new SortedTexts([...before].sort());
    const [gone, come] = [
      before.filter((one) => !after.includes(one)),
      after.filter((one) => !before.includes(one)),
    ];
    assert.deepEqual(sorted.with(gone, come).texts, [...after].sort());
    assert.deepEqual(sorted.texts, [...before].sort(), "the texts before stay as they were");
  }));
});

Deno.test("without a change the texts are the same value", () => {
  const sorted = new SortedTexts(["a", "b"]);
  assert.equal(sorted.with([], []), sorted);
});

Deno.test("some texts are among others where each of them is", () => {
  fc.assert(fc.property(texts, texts, (some, all) => {
    assert.equal(areAmong([...some].sort(), [...all].sort()), some.every((one) => all.includes(one)));
  }));
});
