// Prints text and JSON on stdout. Control characters in names are escaped. On a terminal lines have colours, and
// long answers a pager.

import { styleText } from "node:util";
import type * as z from "../kube/zod.ts";
import { printable, printableJson } from "../printable.ts";
import { messageOf } from "../thrown.ts";
import { fittedTables } from "./fit_columns.ts";
import { gather, isPaging, showInPager, stopPaging } from "./pager.ts";
// The types alone: to make the schemas takes time, and only `ledgerproxy schema` prints them.
import type { JSON_SCHEMAS } from "./json_schema.ts";

/** A list on a terminal is cut to so many lines. */
const SHOWN_MAX = 200;

/** Standard output cannot be written. The message says why. */
export class OutputFailure extends Error {
  override readonly name = "OutputFailure";
}

/** The program that reads standard output has ended, so what would follow is for no reader. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** Prints `text` and a newline on standard output, or keeps it for the pager. Throws {@link OutputFailure}, {@link OutputClosed}. */
export function printText(text: string): void {
  if (!gather(text)) write(`${text}\n`);
}

/** Prints what was kept for the pager, if anything, and from now on all at once: an answer grows while it is read. */
export function printAtOnce(): void {
  for (const text of stopPaging()) printText(text);
}

/** Shows what was kept for the pager. */
export async function endPaging(): Promise<void> {
  const texts = stopPaging();
  if (await showInPager(texts, terminalSize()?.rows)) return;
  for (const text of texts) printText(text);
}

function write(text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(writtenBytes(rest));
}

/** Writes what standard output takes at once; returns how many bytes. `console.log` would hide that the reader has ended. */
function writtenBytes(bytes: Uint8Array): number {
  try {
    return Deno.stdout.writeSync(bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    if (!(error instanceof Deno.errors.WouldBlock)) {
      throw new OutputFailure(`standard output cannot be written: ${messageOf(error)}`);
    }
    // A program that shares the pipe has made it non-blocking.
    Atomics.wait(NEVER, 0, 0, BLOCKED_MILLISECONDS);
    return 0;
  }
}

/** Nothing ever wakes what waits for this. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));
/** After so long a pipe that was full is tried again. */
const BLOCKED_MILLISECONDS = 5;

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

/** As {@link printLines}. On a terminal, tables in them are made as narrow as it is. */
export function printTables(lines: readonly string[]): void {
  const columns = terminalColumns();
  // Escapes count: they are what is printed.
  printLines(columns === undefined ? lines : fittedTables(lines.map((line) => printable(line)), columns));
}

/** How many columns the terminal has; undefined where standard output is none. */
function terminalColumns(): number | undefined {
  return terminalSize()?.columns || undefined;
}

/** How many rows the terminal has; undefined where standard output is none. */
export function terminalRows(): number | undefined {
  return terminalSize()?.rows || undefined;
}

function terminalSize(): { readonly columns: number; readonly rows: number } | undefined {
  try {
    return Deno.stdout.isTerminal() ? Deno.consoleSize() : undefined;
  } catch {
    // No descriptor of the process is a terminal.
    return undefined;
  }
}

/** As {@link printTables}. On a terminal without a pager a long list is cut, with the count of the other lines. */
export function printList(lines: readonly string[]): void {
  const most = Deno.stdout.isTerminal() && !isPaging() ? SHOWN_MAX : Infinity;
  printTables(lines.slice(0, most));
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
