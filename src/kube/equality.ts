// Equality of JSON values. Why not compare their JSON? The order of keys would count, and large objects would be copied.

import { isComposite } from "./json_value.ts";

/** Whether two values are equal in every field, in whatever order their keys are. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isComposite(a) || !isComposite(b)) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]));
}
