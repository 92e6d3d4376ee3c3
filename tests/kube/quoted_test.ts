// Values from outside in messages.

import assert from "node:assert/strict";
import { quoted } from "../../src/kube/quoted.ts";
import { QUOTED_CHARACTERS_MAX } from "../../src/limits/input.ts";

Deno.test("texts and numbers are JSON, lists and maps are only named, undefined has a word", () => {
  const cases: [unknown, string][] = [
    ['a"b\n', '"a\\"b\\n"'],
    [80, "80"],
    [null, "null"],
    [[], "[]"],
    [[1, 2], "a list of 2"],
    [{ a: 1 }, "a map"],
    [undefined, "missing"],
  ];
  for (const [value, text] of cases) assert.equal(quoted(value, "missing"), text);
});

Deno.test("a long text is cut, with the number of characters that were cut", () => {
  const text = quoted("x".repeat(QUOTED_CHARACTERS_MAX + 3));
  assert.ok(text.endsWith('x" and 3 characters more'), text);
});
