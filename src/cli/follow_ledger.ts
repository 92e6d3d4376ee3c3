// Follows a ledger on the terminal: prints what is written, or the present state whenever it changes.

import { countText } from "../count_text.ts";
import type { Past } from "../history/past.ts";
import { grownLedger, type Growth } from "../library/grown_ledger.ts";
import { EXIT } from "../node/exit_code.ts";
import { log } from "../node/log.ts";
import { stopSignal } from "../node/stop_signal.ts";
import { watchReader } from "./output_reader.ts";
import { printAtOnce, printTables, printText, terminalRows } from "./terminal.ts";

/**
 * Calls `take` with the first and the last offset of what was written after record `last` of the ledger with the id `ledger`, until
 * the process is asked to stop. `take` returns the last offset that it took: the rest comes again with what follows. Once the ledger
 * is quiet it must take all.
 */
export async function following(
  past: Past,
  { ledger, last }: { readonly ledger: string; readonly last: number },
  take: (from: number, growth: Growth) => number,
): Promise<number> {
  printAtOnce();
  using reader = watchReader();
  let taken = last;
  for await (
    const growth of grownLedger(past, AbortSignal.any([stopSignal().signal, reader.signal]), ledger)
  ) {
    if (growth.anew) {
      log.warn("another ledger is in the folder now; its records follow");
      taken = -1;
    }
    if (growth.last <= taken) continue;
    const first = past.first();
    if (first > taken + 1) log.warn(`@${taken + 1} to @${first - 1} were removed before they could be read`);
    taken = take(Math.max(first, taken + 1), growth);
  }
  reader.signal.throwIfAborted();
  return EXIT.done;
}

/**
 * Prints the lines that `linesAt` makes of the newest position, again whenever they differ, until the process is asked to stop. On a
 * terminal they replace each other; in a pipe only the lines that are new are printed, and what `goneText` makes of those before them.
 * Where `linesAt` returns nothing, it is asked again after the next record, or once the ledger is quiet: then it must return lines.
 */
export async function watching(
  past: Past,
  linesAt: (offset: number, quiet: boolean) => readonly string[] | undefined,
  goneText: (before: readonly string[], now: readonly string[]) => readonly string[] = () => [],
): Promise<number> {
  printAtOnce();
  using reader = watchReader();
  const terminal = Deno.stdout.isTerminal();
  let before: readonly string[] = [];
  let known: ReadonlySet<string> = new Set();
  let held = false;
  const stop = AbortSignal.any([stopSignal().signal, reader.signal]);
  for await (const { last, quiet } of grownLedger(past, stop)) {
    if (quiet && !held) continue;
    const lines = past.again(() => linesAt(last, quiet));
    held = lines === undefined;
    if (lines === undefined || lines === before) continue;
    const gone = goneText(before, lines);
    before = lines;
    if (terminal) {
      printText(CLEAR);
      printTables(linesThatFit(lines));
      continue;
    }
    const added = lines.filter((line) => !known.has(unpadded(line)));
    const shown = [...added, ...gone];
    if (shown.length > 0) printTables(shown);
    known = new Set(lines.map(unpadded));
  }
  reader.signal.throwIfAborted();
  return EXIT.done;
}

/** The first lines that a terminal has room for, and how many more there are: what scrolls away is not seen. */
function linesThatFit(lines: readonly string[]): readonly string[] {
  const rows = terminalRows();
  // One row is for what follows, one for the cursor.
  if (rows === undefined || lines.length < rows) return lines;
  const shown = Math.max(1, rows - 2);
  return [
    ...lines.slice(0, shown),
    `and ${countText(lines.length - shown, "more line")}: name a Service or a namespace`,
  ];
}

/** A line of a table is the same line when its columns become wider. */
function unpadded(line: string): string {
  return line.replace(/ {2,}/g, "  ");
}

/** Moves the cursor home and clears the terminal (ECMA-48: CUP, ED). */
const CLEAR = "\u001b[H\u001b[2J";
