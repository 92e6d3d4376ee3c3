// What commands use to describe themselves: commander, and the flags that several of them share.

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";

export { Argument, Command, CommanderError, Option };

/** Gets the exit code of the command that ran. */
export type Done = (code: number) => void;

/** A command that asks the ledger in `--ledger`. */
export function ledgerCommand(program: Command, name: string, description: string, example: string): Command {
  return program.command(name).description(description)
    .requiredOption("--ledger <dir>", "folder of the ledger")
    .option("--json", "lines of JSON")
    .addHelpText("after", `\nExample:\n  ledgerproxy ${example}`);
}

/** A number above 0 on the command line. */
export function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number above 0, such as 10.");
  return number;
}
