// Values from outside as parts of a message: written as JSON and cut, so that no value can fill the log.

import { QUOTED_CHARACTERS_MAX } from "../limits/input.ts";
import { firstCharacters } from "../printable.ts";

/** `value` for a message: texts and numbers as JSON, a list or map only as its kind, and `nothing` for undefined. */
export function quoted(value: unknown, nothing = "nothing"): string {
  if (value === undefined) return nothing;
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a map";
  if (typeof value !== "string" || value.length <= QUOTED_CHARACTERS_MAX) {
    return JSON.stringify(value) ?? nothing;
  }
  const first = firstCharacters(value, QUOTED_CHARACTERS_MAX);
  return `${JSON.stringify(first)} and ${value.length - first.length} characters more`;
}

/** What zod expects of a value. Its words for what it found name types of JavaScript, so the caller quotes the value. */
export function expectation({ message }: { readonly message: string }): string {
  return message.replace(/^Invalid input: /, "").replace(/, received .*$/, "");
}
