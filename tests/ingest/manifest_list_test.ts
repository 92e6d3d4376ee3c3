// A long list of JSON gives its objects a few at a time.

import assert from "node:assert/strict";
import { listItem, longList } from "../../src/ingest/manifest_list.ts";

const FILLER = " ".repeat(2_000_000);
const items = Array.from({ length: 3000 }, (_, i) => ({ a: `${i}`, text: "𝄞".repeat(i % 70) }));

Deno.test("the objects of a long list are the same, whatever is cut where; it may be read again", () => {
  for (const shift of ["", " ", "  ", "   "]) {
    const text = `${FILLER}${shift}${JSON.stringify({ items, kind: "ServiceList", apiVersion: "v1" })}`;
    const list = longList(text)!;
    const expected = items.map((item) => ({ kind: "Service", apiVersion: "v1", ...item }));
    assert.deepEqual([[...list], [...list].length], [expected, items.length]);
  }
});

Deno.test("what is short, no list, cut or not JSON is left to be read as a whole", () => {
  const list = JSON.stringify({ items, kind: "List" });
  assert.equal(longList(list), undefined);
  for (
    const text of [
      list.slice(0, -9),
      list.replace('"kind":"List"', '"kind":"Service"'),
      list.replace(',"kind":"List"', ""),
      `[${list}]`,
      list.replace("},{", "},,{"),
      list.replace("}],", "},],"),
      `${list}${list}`,
    ]
  ) assert.equal(longList(`${FILLER}${text}`), undefined, text.slice(-40));
});

Deno.test("items of a typed list have its kind, those of a List their own", () => {
  assert.deepEqual(listItem("NodeList", "v1", { a: 1 }), { kind: "Node", apiVersion: "v1", a: 1 });
  assert.deepEqual(listItem("List", "v1", { a: 1 }), { a: 1 });
  assert.equal(listItem("NodeList", "v1", null), null);
});
