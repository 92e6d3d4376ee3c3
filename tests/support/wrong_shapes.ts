// JSON values with one field that is not what it should be.

type Json = unknown;

/** What a field may be instead. */
const INSTEAD: readonly Json[] = [
  null,
  true,
  -7,
  0.5,
  1e300,
  "",
  'x y"',
  [],
  [null],
  {},
  { kind: "x" },
  "10.0.0.1",
];

/** `value` with each of its fields, at any depth, replaced by each wrong value, and left out; with the field's path. */
export function* wrongShapes(
  value: Json,
  path = "",
): Generator<{ readonly path: string; readonly value: Json }> {
  if (path !== "") { for (const instead of INSTEAD) yield { path, value: instead }; }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      for (const wrong of wrongShapes(item, `${path}[${i}]`)) {
        yield { path: wrong.path, value: value.with(i, wrong.value) };
      }
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      const { [name]: _, ...others } = value as Record<string, Json>;
      yield { path: `${path}.${name}`, value: others };
      for (const wrong of wrongShapes(field, `${path}.${name}`)) {
        yield { path: wrong.path, value: { ...value, [name]: wrong.value } };
      }
    }
  }
}
