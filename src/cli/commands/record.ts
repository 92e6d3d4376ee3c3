// `ledgerproxy record`: writes what happens in a cluster into a ledger. The program that runs is in node/record.ts.

import { record, type RecordOptions } from "../../node/record.ts";
import type { Command, Done } from "../command_line.ts";
import { withSourceToRecord } from "../source_flags.ts";

const EXAMPLE = `
Example:
  ledgerproxy record --kubeconfig ~/.kube/config --node node-7 --ledger node-7`;

/** Adds `record` to the program. */
export function addRecord(program: Command, done: Done): void {
  withSourceToRecord(program.command("record"))
    .description("write what happens in a cluster to a ledger; changes no rules")
    .option("--once", "exit when everything there is is recorded")
    .option("--allow-empty", "with --source: files without any object are an empty cluster, not an error")
    .addHelpText("after", EXAMPLE)
    .action(async (options: RecordOptions) => done(await record(options)));
}
