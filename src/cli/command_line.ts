// The parts of which commands are described: commander, and the flags that several commands share. Only this file imports
// commander.

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";

export { Argument, Command, CommanderError, Option };

/** Receives the exit code of the command that ran. */
export type Done = (code: number) => void;

/** Adds a command that asks the ledger in `--ledger` to `program`. */
export function ledgerCommand(program: Command, name: string, description: string, example: string): Command {
  return program.command(name).description(description)
    .requiredOption("--ledger <dir>", "folder of the ledger")
    .option("--json", "lines of JSON")
    .addHelpText("after", `\nExample:\n  ledgerproxy ${example}`);
}

/** Parses a number above 0. Throws commander's error, which is wrong usage. */
export function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number above 0, such as 10.");
  return number;
}
