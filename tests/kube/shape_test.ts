// Shapes of stored JSON: a value that has the shape passes, and the first field that does not is named with its path.

import assert from "node:assert/strict";
import {
  and,
  byTag,
  COUNT,
  fields,
  fieldsOfType,
  FLAG,
  listOf,
  mapOf,
  misfitText,
  nullable,
  oneOf,
  PORT,
  type Shape,
  TEXT,
  tuple,
  WHOLE,
} from "../../src/kube/shape.ts";

const PET = byTag("kind", {
  cat: fields({ name: TEXT, lives: COUNT }, { color: oneOf("black", "white") }),
  dog: fields({ tags: listOf(tuple(TEXT, FLAG)), owners: mapOf(nullable(PORT)) }),
});

const CASES: readonly [unknown, string | undefined][] = [
  [{ kind: "cat", name: "Tom", lives: 9, weight: "any" }, undefined],
  [{ kind: "cat", name: "Tom", lives: -1 }, ".lives: -1 is not a count"],
  [{ kind: "cat", name: "Tom", lives: "9" }, '.lives: "9" is not a count'],
  [{ kind: "cat", lives: 9 }, ".name: nothing is not a text"],
  [{ kind: "cat", name: "Tom", lives: 9, color: "red" }, '.color: "red" is not one of "black", "white"'],
  [{ kind: "dog", tags: [["a", true]], owners: { x: null, y: 80 } }, undefined],
  [{ kind: "dog", tags: [["a"]], owners: {} }, ".tags[0]: a list of 1, not 2"],
  [{ kind: "dog", tags: [["a", 1]], owners: {} }, ".tags[0][1]: 1 is not true or false"],
  [{ kind: "dog", tags: {}, owners: {} }, ".tags: {} is not a list"],
  [{ kind: "dog", tags: [], owners: { y: 65536 } }, ".owners.y: 65536 is not a port"],
  [{ kind: "dog", tags: [], owners: { y: "80" } }, '.owners.y: "80" is not a port'],
  [{ kind: "cow" }, '.kind: "cow" is not one of "cat", "dog"'],
  [[], "[] is not an object"],
  [null, "null is not an object"],
];

function misfitOf(shape: Shape, value: unknown): string | undefined {
  const misfit = shape(value);
  return misfit && misfitText(misfit);
}

Deno.test("the first field that does not have its shape is named with its path and value", () => {
  for (const [value, expected] of CASES) assert.equal(misfitOf(PET, value), expected, JSON.stringify(value));
});

Deno.test("a second shape checks only values that have the first", () => {
  const shape = and(WHOLE, (value) => value === 7 ? { field: "", reason: "seven" } : undefined);
  assert.deepEqual([8, 7, "7"].map((value) => misfitOf(shape, value)), [
    undefined,
    "seven",
    '"7" is not a whole number',
  ]);
});

Deno.test("a shape of a type checks each field that the type has, which the compiler sees", () => {
  interface Named {
    readonly name: string;
    readonly port?: number;
  }
  const shape = fieldsOfType<Named>()({ name: TEXT }, { port: PORT });
  assert.equal(shape({ name: "web" }), undefined);
  assert.deepEqual(shape({ name: "web", port: "x" }), { field: ".port", reason: '"x" is not a port' });
  assert.deepEqual(shape({}), { field: ".name", reason: "nothing is not a text" });
  // @ts-expect-error: `port` is not checked.
  fieldsOfType<Named>()({ name: TEXT }, {});
  // @ts-expect-error: there is no `node`.
  fieldsOfType<Named>()({ name: TEXT }, { port: PORT, node: TEXT });
});
