// Prints text and JSON on stdout. Control characters in names are escaped. On a terminal lines have colours, and long lists are cut.

import { styleText } from "node:util";
import type * as z from "../kube/zod.ts";
import { printable, printableJson } from "../printable.ts";
import { messageOf } from "../thrown.ts";
// The types alone: to make the schemas takes time, and only `ledgerproxy schema` prints them.
import type { JSON_SCHEMAS } from "./json_schema.ts";

/** A list on a terminal is cut to so many lines. */
const SHOWN_MAX = 200;

/** Standard output cannot be written. The message says why. */
export class OutputFailure extends Error {
  override readonly name = "OutputFailure";
}

/** Prints `text` and a newline on standard output. Throws {@link OutputFailure}. */
export function printText(text: string): void {
  try {
    console.log(text);
  } catch (error) {
    throw new OutputFailure(`standard output cannot be written: ${messageOf(error)}`);
  }
}

/** Name and version of a schema. */
export type JsonSchemaName = keyof typeof JSON_SCHEMAS;

/** Prints `value` as one line of JSON, with the name of its schema. */
export function printJson<Name extends JsonSchemaName>(
  name: Name,
  value: z.infer<(typeof JSON_SCHEMAS)[Name]>,
): void {
  printText(printableJson(JSON.stringify({ schema: `ledgerproxy.${name}`, ...value })));
}

/** Prints `lines`. Each is printed as one line, with newlines in it escaped. */
export function printLines(lines: readonly string[]): void {
  // Colours only on a terminal, and not where NO_COLOR is set: output in a pipe is for programs.
  const colours = Deno.stdout.isTerminal() && !Deno.noColor;
  for (const line of lines) {
    const text = printable(line).replaceAll("\n", "\\n");
    printText(colours ? coloured(text) : text);
  }
}

/** As {@link printLines}. On a terminal a long list is cut, with the count of the other lines. */
export function printList(lines: readonly string[]): void {
  const most = Deno.stdout.isTerminal() ? SHOWN_MAX : Infinity;
  printLines(lines.slice(0, most));
  if (lines.length > most) {
    printLines([`and ${(lines.length - most).toLocaleString("en")} more: | less shows all`]);
  }
}

/** Removed elements red, added ones green, offsets yellow. */
function coloured(line: string): string {
  const colour = /^(?:# )?\s*([+-]) /.exec(line)?.[1];
  if (colour !== undefined) return styleText(colour === "+" ? "green" : "red", line);
  return line.replace(/(?<=^|\s)@\d+/g, (offset) => styleText("yellow", offset));
}
