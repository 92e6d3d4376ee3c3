// `ledgerproxy diff A B`: prints the elements that differ between two positions, or between a position and the kernel.

import { type Side, sideOfKernel } from "../../history/diff.ts";
import { differenceLines } from "../../history/diff_words.ts";
import type { History } from "../../history/history.ts";
import { log } from "../../node/log.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { printJson } from "../json_schema.ts";
import { listedRules } from "../listed_rules.ts";
import { printList } from "../terminal.ts";
import { accepted, ledgerArgument, positionArgument } from "../arguments.ts";

/** Flags of `diff`. */
export interface DiffOptions {
  readonly ledger: string;
  /** The ledger of B, where that is another one. */
  readonly other?: string;
  readonly json?: boolean;
}

/** In place of a position: the rules that the kernel holds. */
const KERNEL = "kernel";

/** Adds `diff` to the program. */
export function addDiff(program: Command, done: Done): void {
  const description = "print elements that differ between positions, or from the kernel";
  ledgerCommand(program, "diff", description, "diff HEAD kernel --ledger DIR")
    .argument("<a>", "@1234, a time, HEAD, HEAD~3, kernel")
    .argument("<b>", "as a")
    .option("--other <dir>", "the ledger of b, such as another node's")
    .action((a: string, b: string, options: DiffOptions) => done(diffCommand(a, b, options)));
}

/** Prints the changes; returns 1 when there are any. Throws UsageError, WrongPosition. */
export function diffCommand(a: string, b: string, { ledger, other, json }: DiffOptions): number {
  const asked = ledgerArgument(ledger);
  const sides = [sideAt(asked, a), sideAt(other === undefined ? asked : ledgerArgument(other), b)] as const;
  const changes = asked.diff(...sides);
  if (json) { for (const change of changes) printJson("diff/1", change); }
  else printList(changes.flatMap(differenceLines));
  const missing = sides.flatMap(({ incomplete }) => incomplete ?? []);
  for (const text of missing) log.warn(text);
  return changes.length === 0 && missing.length === 0 ? 0 : 1;
}

/** One side of the comparison: the kernel, or a position of `ledger`. */
function sideAt(ledger: History, text: string): Side {
  if (text !== KERNEL) return ledger.at(positionArgument(text));
  return sideOfKernel(accepted(listedRules()));
}
