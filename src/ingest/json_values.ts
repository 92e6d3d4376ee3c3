// The JSON values of a text, each with the line where it begins: one on each line, as logs have them, or one on many lines, as
// kubectl prints them. Pure.

import { partsExcess } from "../json_parts.ts";
import { TORN_OBJECTS_MAX } from "../limits/input.ts";
import { RECORD_BYTES_MAX } from "../limits/ledger.ts";
import { messageOf } from "../thrown.ts";
import { JsonPieces } from "./json_pieces.ts";

/** A value, or the reason why there is none. */
export type ValueAt =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly problem: string };

/**
 * The values of `text`, in order. After a line that is not JSON the next line is read; behind the beginning of an object without an
 * end, such as a crash leaves, the next line that begins one.
 */
export function* jsonValues(text: string): Generator<ValueAt> {
  const lines = text.split("\n");
  const pieces = new JsonPieces();
  let returns = 0;
  // Where the object begins that is not whole yet.
  let begin = 0;
  for (let i = 0;; i++) {
    const line = lines[i];
    if (pieces.held === 0) begin = i;
    if (line?.trim() === "") continue;
    const excess = excessOf(line, pieces.held);
    if (excess !== undefined) {
      const isOpen = pieces.forget();
      if (line !== undefined || isOpen) yield { line: begin + 1, problem: excess };
      const after = isOpen && returns++ < TORN_OBJECTS_MAX ? nextBegin(lines, begin) : undefined;
      if (after !== undefined) i = after - 1;
      else if (line === undefined) return;
      continue;
    }
    const whole = pieces.held === 0 && !line!.trimStart().startsWith("{")
      ? undefined
      : pieces.push(`${line}\n`);
    if (whole === undefined) yield { line: i + 1, problem: notJson(line!) };
    for (const value of whole ?? []) yield { line: begin + 1, ...parsed(value) };
    if (whole !== undefined && whole.length > 0) begin = i;
  }
}

/** Why no object of which `held` characters are there can have `line` too; no line: the text ends. */
function excessOf(line: string | undefined, held: number): string | undefined {
  if (line === undefined) return "the file ends inside this object";
  return held + line.length > RECORD_BYTES_MAX ? `more than ${RECORD_BYTES_MAX} bytes` : partsExcess(line);
}

/** The first line behind `begin` that begins an object: those inside one are indented, where each object has many lines. */
function nextBegin(lines: readonly string[], begin: number): number | undefined {
  const after = lines.findIndex((line, i) => i > begin && line.startsWith("{"));
  return after < 0 ? undefined : after;
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
