// Assertions about large values that fail in bounded memory. node:assert compares the printed values line by line, in memory that
// grows with the square of the lines: two lists of 4,000 different objects take 4 GB, and of 10,000 the machine's (Deno 2.9). Here
// what has more than a thousand parts is described by its first difference alone. Loaded before the tests by run_tests.ts.

import assert from "node:assert/strict";
import { inspect, isDeepStrictEqual } from "node:util";

/** Values with so many parts together are left to node:assert, which shows all their differences. */
const PARTS_MAX = 1000;
/** Most characters of a value in a message. */
const SHOWN_MAX = 2000;

type Comparison = (actual: unknown, expected: unknown, message?: string | Error) => void;

const COMPARISONS: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  equal: Object.is,
  strictEqual: Object.is,
  deepEqual: isDeepStrictEqual,
  deepStrictEqual: isDeepStrictEqual,
};

for (const [name, isSame] of Object.entries(COMPARISONS)) {
  const compare: Comparison = Reflect.get(assert, name);
  Reflect.set(assert, name, bounded(compare, isSame));
}

/** `compare`, but for large values that differ. */
function bounded(compare: Comparison, isSame: (a: unknown, b: unknown) => boolean): Comparison {
  return (actual, expected, message) => {
    if (isSame(actual, expected)) return;
    const parts = countParts([actual, expected]);
    if (parts <= PARTS_MAX || message instanceof Error) return compare(actual, expected, message);
    throw new assert.AssertionError({
      message: `${message ?? "values differ"}${firstDifference(actual, expected)}`,
    });
  };
}

/** How many parts `value` has; more than {@link PARTS_MAX} are not counted. */
function countParts(value: unknown): number {
  let count = 0;
  for (const open = [value]; open.length > 0 && count <= PARTS_MAX; count++) {
    for (const [, part] of partsOf(open.pop())) {
      open.push(part);
      if (open.length > PARTS_MAX) return open.length;
    }
  }
  return count;
}

/** The names and values of what is in `value`: elements, entries, fields, the lines of a text. */
function* partsOf(value: unknown): Iterable<readonly [name: unknown, part: unknown]> {
  if (typeof value === "string") { if (value.includes("\n")) yield* value.split("\n").entries(); }
  else if (Array.isArray(value) || value instanceof Map) yield* value.entries();
  else if (value instanceof Set) { for (const part of value) yield [part, part]; }
  else if (ArrayBuffer.isView(value)) yield* Object.entries(value);
  else if (typeof value === "object" && value !== null) yield* Object.entries(value);
}

/** Where `actual` and `expected` differ first, as far in as both have parts of the same name. */
function firstDifference(actual: unknown, expected: unknown): string {
  const path: string[] = [];
  let [one, other] = [actual, expected];
  for (;;) {
    const [parts, wanted] = [new Map(partsOf(one)), new Map(partsOf(other))];
    const names = [...new Set([...parts.keys(), ...wanted.keys()])];
    const at = names.findIndex((name) => !isDeepStrictEqual(parts.get(name), wanted.get(name)));
    if (at < 0 || parts.size === 0 || wanted.size === 0) break;
    path.push(`${shown(names[at])} of ${parts.size} and ${wanted.size}`);
    [one, other] = [parts.get(names[at]), wanted.get(names[at])];
  }
  return `; the first difference${path.map((name) => `, at ${name}`).join("")}:\n+ ${shown(one)}\n- ${
    shown(other)
  }`;
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: 3, maxArrayLength: 20, maxStringLength: SHOWN_MAX });
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
}
