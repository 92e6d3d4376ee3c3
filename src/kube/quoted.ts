// Values from outside in messages: as JSON, cut to a length that a line can hold.

import { QUOTED_CHARACTERS_MAX } from "../limits.ts";

/** `value` for a message: text and numbers as JSON, of what is larger only what it is; `nothing` stands for undefined. */
export function quoted(value: unknown, nothing = "nothing"): string {
  if (value === undefined) return nothing;
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a map";
  if (typeof value !== "string" || value.length <= QUOTED_CHARACTERS_MAX) {
    return JSON.stringify(value) ?? nothing;
  }
  return `${JSON.stringify(value.slice(0, QUOTED_CHARACTERS_MAX))} and ${
    value.length - QUOTED_CHARACTERS_MAX
  } characters more`;
}
