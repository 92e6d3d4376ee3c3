// The JSON values of a text, each with the line where it begins: one on each line, as logs have them, or one on many lines, as
// kubectl prints them. Pure.

import { partsExcess } from "../json_parts.ts";
import { RECORD_BYTES_MAX } from "../limits.ts";
import { messageOf } from "../thrown.ts";
import { JsonPieces } from "./json_pieces.ts";

/** A value, or the reason why there is none. */
export type ValueAt =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly problem: string };

/** The values of `text`, in order. After a line that is not JSON the next line is read. */
export function* jsonValues(text: string): Generator<ValueAt> {
  const pieces = new JsonPieces();
  let begin = 1;
  for (const [i, line] of text.split("\n").entries()) {
    if (pieces.held === 0) begin = i + 1;
    if (line.trim() === "") continue;
    const excess = pieces.held + line.length > RECORD_BYTES_MAX
      ? `more than ${RECORD_BYTES_MAX} bytes`
      : partsExcess(line);
    if (excess !== undefined) {
      pieces.forget();
      yield { line: begin, problem: excess };
      continue;
    }
    const whole = pieces.held === 0 && !line.trimStart().startsWith("{")
      ? undefined
      : pieces.push(`${line}\n`);
    if (whole === undefined) yield { line: i + 1, problem: notJson(line) };
    for (const value of whole ?? []) yield { line: begin, ...parsed(value) };
  }
  if (pieces.forget()) yield { line: begin, problem: "the file ends inside this object" };
}

function parsed(text: string): { readonly value: unknown } | { readonly problem: string } {
  const excess = partsExcess(text);
  if (excess !== undefined) return { problem: excess };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `not JSON: ${messageOf(error)}` };
  }
}

/** Why a line is no object of JSON. */
function notJson(line: string): string {
  try {
    JSON.parse(line);
    return "not an object";
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
}
