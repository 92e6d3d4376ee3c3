// Follows a ledger on the terminal: prints what is written, or the present state whenever it changes.

import type { Past } from "../history/past.ts";
import { grownLedger, type Growth } from "../library/grown_ledger.ts";
import { EXIT } from "../node/exit_code.ts";
import { log } from "../node/log.ts";
import { stopSignal } from "../node/stop_signal.ts";
import { printAtOnce, printTables, printText } from "./terminal.ts";

/**
 * Calls `take` with the first and the last offset of what was written after `last`, until the process is asked to stop. `take` returns
 * the last offset that it took: the rest comes again with what follows. Once the ledger is quiet it must take all.
 */
export async function following(
  past: Past,
  last: number,
  take: (from: number, growth: Growth) => number,
): Promise<number> {
  printAtOnce();
  let taken = last;
  for await (const growth of grownLedger(past, stopSignal().signal)) {
    if (growth.last <= taken) continue;
    const first = past.first();
    if (first > taken + 1) log.warn(`@${taken + 1} to @${first - 1} were removed before they could be read`);
    taken = take(Math.max(first, taken + 1), growth);
  }
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
  const terminal = Deno.stdout.isTerminal();
  let before: readonly string[] = [];
  let held = false;
  for await (const { last, quiet } of grownLedger(past, stopSignal().signal)) {
    if (quiet && !held) continue;
    const lines = past.again(() => linesAt(last, quiet));
    held = lines === undefined;
    if (lines === undefined) continue;
    const known = new Set(before.map(unpadded));
    const added = lines.filter((line) => !known.has(unpadded(line)));
    const shown = terminal ? lines : [...added, ...goneText(before, lines)];
    if (terminal) printText(CLEAR);
    if (terminal || shown.length > 0) printTables(shown);
    before = lines;
  }
  return EXIT.done;
}

/** A line of a table is the same line when its columns become wider. */
function unpadded(line: string): string {
  return line.replace(/ {2,}/g, "  ");
}

/** Moves the cursor home and clears the terminal (ECMA-48: CUP, ED). */
const CLEAR = "\u001b[H\u001b[2J";
