// JSON values of unknown shape, read without trusting them.

/** Whether `value` is an object or a list, whose fields can be read by name. */
export function isComposite(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** The fields of `value`; none where it is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isComposite(value) ? value : {};
}

/** Whether `value` is an object with fields, and not a list. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isComposite(value) && !Array.isArray(value);
}
