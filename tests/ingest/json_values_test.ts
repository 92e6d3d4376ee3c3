// JSON values are found whatever the lines are, and what is between them is named by its line.

import assert from "node:assert/strict";
import { jsonValues } from "../../src/ingest/json_values.ts";

const found = (text: string) =>
  [...jsonValues(text)].map((one) => "value" in one ? [one.line, one.value] : [one.line, one.problem]);

Deno.test("objects on one line, on many, and several on a line are read, each with its first line", () => {
  assert.deepEqual(found('{"a":1}\n\n{\n "b": "}"\n}\n{"c":3} {"d":4}'), [
    [1, { a: 1 }],
    [3, { b: "}" }],
    [6, { c: 3 }],
    [6, { d: 4 }],
  ]);
});

Deno.test("a line that is no object is named, and the next one is read", () => {
  const [first, second, ...rest] = found('web\n7\n{"a":1}\n{"b":\n');
  assert.match(String(first), /^1,not JSON: /);
  assert.deepEqual([second, ...rest], [
    [2, "not an object"],
    [3, { a: 1 }],
    [4, "the file ends inside this object"],
  ]);
});

Deno.test("a line, and an object on many lines, that would fill the memory are named, and the next one is read", () => {
  const many = `${"{},".repeat(100_000)}\n`.repeat(11);
  assert.deepEqual(found(`{"a":${"[".repeat(3_000_000)}\n{"a":1}\n{"a":[\n${many}0]}\n{"b":1}`), [
    [1, "more than 2000000 brackets and commas of JSON"],
    [2, { a: 1 }],
    [3, "more than 2000000 brackets and commas of JSON"],
    [16, { b: 1 }],
  ]);
});

Deno.test("an object that a crash left without an end costs only itself", () => {
  assert.deepEqual(found('{"a":1}\n{"b":[{"c":\n{"d":1}\n{\n  "e": 2\n}\n{"f":\n'), [
    [1, { a: 1 }],
    [2, "the file ends inside this object"],
    [3, { d: 1 }],
    [4, { e: 2 }],
    [7, "the file ends inside this object"],
  ]);
  // The last one of a recording that was stopped: what is inside it is no object of its own.
  assert.deepEqual(found('{\n  "a": [\n    {\n      "b": 1\n    },\n'), [
    [1, "the file ends inside this object"],
  ]);
  const torn = "{\n".repeat(1000);
  // The rest is read again a bounded number of times.
  const { length } = found(`${torn}{"a":1}`);
  assert.ok(length > 50 && length < 500, String(length));
});
