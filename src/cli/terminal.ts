// Prints lines on stdout. Control characters in names are escaped. On a terminal the lines have colours, and long lists are cut.

import { styleText } from "node:util";
import { printable } from "../printable.ts";

/** A list on a terminal is cut to so many lines. */
const SHOWN_MAX = 200;

/** Prints `lines`. Each is printed as one line, with newlines in it escaped. */
export function printLines(lines: readonly string[]): void {
  // Colours only on a terminal, and not where NO_COLOR is set: output in a pipe is for programs.
  const colours = Deno.stdout.isTerminal() && !Deno.noColor;
  for (const line of lines) {
    const text = printable(line).replaceAll("\n", "\\n");
    console.log(colours ? coloured(text) : text);
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
