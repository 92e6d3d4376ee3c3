// The quick reader of a schema and zod agree: what the quick one reads is what zod reads, and what zod refuses it refuses.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SCHEMAS } from "../../src/kube/decode_schemas.ts";
import { MISFIT, quickReader } from "../../src/kube/quick_schema.ts";
import * as z from "../../src/kube/zod.ts";

const FOLDER = new URL("../../fixtures/api/streams/", import.meta.url);

type Json = Record<string, unknown>;

/** The objects of the recorded stream of `kind`, as a kube-apiserver sent them. */
function objects(kind: string): Json[] {
  const lines = Deno.readTextFileSync(new URL(`${kind}.ndjson`, FOLDER)).trim().split("\n");
  return lines.map((line) => JSON.parse(line)).filter(({ type }) => type === "ADDED").map(({ object }) =>
    object
  );
}

const ALL = Object.keys(SCHEMAS).flatMap((kind) => objects(kind).map((object) => ({ kind, object })));

/** `value` without fields that are undefined or null. The zero below zero, which JSON can write, is zero. */
function pruned(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined && field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, pruned(field)]));
}

Deno.test("every object of a real server is read quickly, in the order of zod's fields", () => {
  for (const { kind, object } of ALL) {
    const { schema, quickly } = SCHEMAS[kind]!;
    assert.equal(
      JSON.stringify(quickly(object, { characters: 0 })),
      JSON.stringify(pruned(schema.parse(object))),
    );
  }
});

Deno.test("what is read are plain objects, however many fields the first ones had", () => {
  const reader = quickReader(z.object({ a: z.optional(z.string()), b: z.optional(z.number()) }));
  for (let i = 0; i < 20; i++) {
    const value = i < 10 ? {} : { a: "x", b: i };
    assert.deepStrictEqual(reader({ ...value, more: true }, { characters: 0 }), value);
  }
});

/** Every place in `value`. */
function* places(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) yield* places(part, [...path, key]);
}

/** A place in an object, and what is put there. */
const change = fc.constantFrom(...ALL).chain(({ kind, object }) =>
  fc.record({
    kind: fc.constant(kind),
    object: fc.constant(object),
    path: fc.constantFrom(...places(object)),
    put: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        null,
        undefined,
        "",
        "A",
        "a",
        0,
        -1,
        1.5,
        "x".repeat(254),
        "💥".repeat(200),
        "a\n",
      ),
      fc.constantFrom<unknown>(
        [],
        {},
        [null],
        [{}],
        [[]],
        { "": null },
        new Array(20_001).fill(""),
        NaN,
        Infinity,
      ),
    ),
  })
);

Deno.test("whatever stands in any place, both readers agree", () => {
  let quick = 0;
  fc.assert(
    fc.property(change, ({ kind, object, path, put }) => {
      const value = withPut(object, path, put);
      const { schema, quickly } = SCHEMAS[kind]!;
      const size = { characters: 0 };
      const [read, parsed] = [quickly(value, size), schema.safeParse(value)];
      if (!parsed.success) {
        return assert.equal(read, MISFIT, `${kind}.${path.join(".")}: ${parsed.error.message}`);
      }
      if (read === MISFIT) return;
      quick++;
      const expected = pruned(parsed.data);
      assert.deepEqual(pruned(read), expected);
      assert.ok(size.characters * 6 >= JSON.stringify(expected).length, "the size is not too small");
    }),
    { numRuns: 3000 },
  );
  assert.ok(quick > 300, "many of them can be read quickly");
});

function withPut(value: unknown, [key, ...rest]: readonly (string | number)[], put: unknown): unknown {
  if (key === undefined) return put;
  if (Array.isArray(value)) {
    return value.map((part, i) => i === Number(key) ? withPut(part, rest, put) : part);
  }
  const fields = value as Json;
  return { ...fields, [key]: withPut(fields[key], rest, put) };
}

Deno.test("the size of a part that a transform keeps of any value counts", () => {
  const kept = z.unknown().nullish().transform((value) =>
    typeof value === "string" ? { kept: value } : undefined
  );
  const size = { characters: 0 };
  const read = quickReader(z.object({ a: kept, b: kept }));
  assert.deepEqual(read({ a: "x".repeat(1000), b: [7] }, size), { a: { kept: "x".repeat(1000) } });
  assert.ok(size.characters > 1000);
});

Deno.test("a schema that is not known is left to zod", () => {
  for (
    const schema of [
      z.string().refine((text) => text !== "a"),
      z.number().int(),
      z.enum(["a"]),
      z.array(z.number()).max(3),
      z.record(z.string(), z.string()),
      z.strictObject({}),
      z.string().toLowerCase(),
    ]
  ) {
    for (const value of ["a", "b", 1, [1], {}]) {
      assert.equal(quickReader(schema)(value, { characters: 0 }), MISFIT);
    }
  }
});
