// Lines for people on stdout: harmless whatever strangers named, coloured where somebody looks, cut where nobody would read on.

import { styleText } from "node:util";
import { printable } from "../printable.ts";

/** Lines of a list that a terminal is given. */
const SHOWN_MAX = 200;

/** Prints `lines`, each one line whatever is in it. */
export function printLines(lines: readonly string[]): void {
  const colours = Deno.stdout.isTerminal() && !Deno.noColor;
  for (const line of lines) {
    const text = printable(line).replaceAll("\n", "\\n");
    console.log(colours ? coloured(text) : text);
  }
}

/** As {@link printLines}; on a terminal a long list is cut, with the count of what is left out. */
export function printList(lines: readonly string[]): void {
  const most = Deno.stdout.isTerminal() ? SHOWN_MAX : Infinity;
  printLines(lines.slice(0, most));
  if (lines.length > most) {
    printLines([`and ${(lines.length - most).toLocaleString("en")} more: | less shows all`]);
  }
}

/** What was taken red, what was given green, offsets yellow. */
function coloured(line: string): string {
  const colour = /^(?:# )?\s*([+-]) /.exec(line)?.[1];
  if (colour !== undefined) return styleText(colour === "+" ? "green" : "red", line);
  return line.replace(/(?<=^|\s)@\d+/g, (offset) => styleText("yellow", offset));
}
