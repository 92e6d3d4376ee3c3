// `ledgerproxy diff A B`: prints the elements that differ between two positions, or between a position and the kernel.

import type { ClusterState } from "../../fold/cluster_state.ts";
import { differences, type Side, sideOfKernel, sideOfPast } from "../../history/diff.ts";
import { differenceLines } from "../../history/diff_words.ts";
import type { Past } from "../../history/past.ts";
import { scopeAmong } from "../../history/scope.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { listedRules } from "../listed_rules.ts";
import { printJson, printList } from "../terminal.ts";
import { accepted, namedHere, pastArgument, pastIn, positionArgument, stateArgument } from "../arguments.ts";

/** Flags of `diff`. */
export interface DiffOptions {
  readonly ledger?: string;
  /** The ledger of B, where that is another one. */
  readonly other?: string;
  readonly json?: boolean;
}

/** In place of a position: the rules that the kernel holds. */
const KERNEL = "kernel";

/** Adds `diff` to the program. */
export function addDiff(program: Command, done: Done): void {
  const description = "print the elements that differ between two positions, or from the kernel";
  ledgerCommand(program, "diff", description, "diff HEAD kernel --ledger DIR")
    .argument("<a>", "a position: @1234, a time, HEAD, HEAD~3; or kernel, for what the kernel holds now")
    .argument("<b>", "like a")
    .argument("[what]", "only what concerns this Service, pod, node, address or CIDR")
    .option("--other <dir>", "another ledger to read b from, such as another node's")
    .action((a: string, b: string, what: string | undefined, options: DiffOptions) =>
      done(diffCommand(a, b, what, options))
    );
}

/** Prints the changes; returns 1 when there are any. Throws UsageError, WrongPosition. */
function diffCommand(
  a: string,
  b: string,
  what: string | undefined,
  { ledger, other, json }: DiffOptions,
): number {
  const past = pastArgument(ledger);
  const sides = [sideAt(past, a), sideAt(other === undefined ? past : pastIn(other, "--other"), b)] as const;
  const [before, after] = sides;
  const states = sides.flatMap(({ state }) => state ?? []);
  const scope = what === undefined ? undefined : namedHere(scopeAmong(states, what));
  const changes = differences(before.side, after.side, scope);
  if (json) { for (const change of changes) printJson("diff/1", change); }
  else printList(changes.flatMap(differenceLines));
  const missing = sides.flatMap(({ side }) => side.incomplete ?? []);
  for (const text of missing) log.warn(text);
  if (changes.length === 0 && what !== undefined) log.info(`${what}: no element that concerns it differs`);
  return changes.length === 0 && missing.length === 0 ? EXIT.done : EXIT.found;
}

/** One side of the comparison, with its state where it has one: a kernel does not know the objects. */
interface StatedSide {
  readonly side: Side;
  readonly state?: ClusterState;
}

/** The kernel, or a position of `past`. */
function sideAt(past: Past, text: string): StatedSide {
  if (text === KERNEL) return { side: sideOfKernel(accepted(listedRules(past.id()))) };
  const found = stateArgument(past, positionArgument(text));
  return { side: sideOfPast(found), state: found.state };
}
