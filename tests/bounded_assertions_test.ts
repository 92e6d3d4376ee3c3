// Large values that differ: the assertion fails with their first difference, in a message and in memory that are bounded.

import assert from "node:assert/strict";
import "./support/bounded_assertions.ts";

const MESSAGE_MAX = 10_000;
const COUNT = 1000;

const objects = (first: number) =>
  Array.from({ length: COUNT }, (_, i) => ({ at: i + first, name: `x${i}` }));

/** The message of the assertion that `check` fails. */
function failureOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof assert.AssertionError);
    return error.message;
  }
  assert.fail("it does not fail");
}

Deno.test("two large lists that differ everywhere are described by their first difference", () => {
  const message = failureOf(() => assert.deepEqual(objects(0), objects(COUNT)));
  assert.ok(message.length < MESSAGE_MAX, `${message.length} characters`);
  assert.match(message, /at 0 of 1000 and 1000, at 'at' of 2 and 2:\n\+ 0\n- 1000$/);
});

Deno.test("a large list where none is expected, a map and a long text are described as well", () => {
  assert.match(failureOf(() => assert.deepEqual(objects(0), [], "none is left")), /^none is left; the first/);
  const [map, other] = [new Map(objects(0).entries()), new Map(objects(0).entries())];
  other.set(7, { at: 7, name: "other" });
  assert.match(failureOf(() => assert.deepEqual(map, other)), /at 7 of 1000 and 1000, at 'name'/);
  const text = objects(0).map(({ name }) => name).join("\n");
  assert.match(
    failureOf(() => assert.equal(text, `${text}\nmore`)),
    /at 1000 of 1000 and 1001:\n\+ undefined\n- 'more'/,
  );
});

Deno.test("small values are compared by node:assert, and equal ones are equal", () => {
  assert.match(failureOf(() => assert.deepEqual([1, 2], [1, 3])), /\+ +2\n- +3/);
  assert.match(failureOf(() => assert.equal("a", "b", "a message")), /^a message/);
  assert.deepEqual(objects(0), objects(0));
});
