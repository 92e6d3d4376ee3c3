// The parts of which commands are described: commander, and the flags that several commands share. Only this file imports
// commander.

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";

export { Argument, Command, CommanderError, Option };

/** Receives the exit code of the command that ran. */
export type Done = (code: number) => void;

/** Help about the flag by which every command names its ledger. */
export const LEDGER_FLAG = [
  "--ledger <dir>",
  "folder of the ledger (LEDGERPROXY_LEDGER, or the node's)",
] as const;

/** Adds a command that asks a ledger to `program`. */
export function ledgerCommand(program: Command, name: string, description: string, example: string): Command {
  return program.command(name).description(description)
    .option(...LEDGER_FLAG)
    .option("--json", "lines of JSON")
    .addHelpText("after", `\nExample:\n  ledgerproxy ${example}`);
}

/** `-5m` is a time five minutes ago. Without its sign it means the same, and is not taken for a flag. */
export function withoutSigns(args: readonly string[]): string[] {
  return args.map((arg) => /^-\d+(?:\.\d+)?\s*[a-z]/i.test(arg) ? arg.slice(1) : arg);
}

/** Parses a whole number from 0 to `max`. What it returns throws commander's error, which is wrong usage. */
export function wholeUpTo(max: number): (text: string) => number {
  return (text) => {
    if (/^\d+$/.test(text) && Number(text) <= max) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${max}.`);
  };
}

/** Parses a whole number above 0. Throws commander's error, which is wrong usage. */
export function wholePositive(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("It must be a whole number above 0, such as 10.");
}

/** Parses a number above 0. Throws commander's error, which is wrong usage. */
export function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number above 0, such as 10.");
  return number;
}

/** Collects the values of a flag that may be repeated. */
export function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
