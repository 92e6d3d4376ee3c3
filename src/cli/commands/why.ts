// `ledgerproxy why SRC DST:PORT/PROTO`: prints where the first packet of a connection goes, with the rules, elements and
// records that decide it. It reads a source or a ledger, and touches neither kernel nor ledger.

import { directoryOf } from "../../history/directory.ts";
import type { PastState } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { pathOf } from "../../history/why.ts";
import { pathLines } from "../../history/why_words.ts";
import type { ConfigOptions } from "../../node/config.ts";
import { EXIT } from "../../node/exit_code.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";
import { withSource } from "../source_flags.ts";
import { printJson, printLines } from "../terminal.ts";
import { packetArgument, pastArgument, positionArgument, stateArgument } from "../arguments.ts";

/** Flags of `why`. */
interface WhyOptions extends ConfigOptions {
  readonly at?: PositionExpression;
  readonly interface?: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  ledgerproxy why 10.244.1.5 shop/web:http --at 03:12
  ledgerproxy why 203.0.113.9 192.168.10.10:30080/tcp \\
      --source cluster.yaml --node node-a`;

/** Adds `why` to the program. */
export function addWhy(program: Command, done: Done): void {
  withSource(program.command("why"))
    .description("trace the first packet of a connection: where it goes, and why")
    .argument("<source>", "the sender: an address, a pod or a node")
    .argument("<target>", "a Service (shop/web, shop/web:http), or ADDRESS:PORT/PROTO")
    .option(
      "--at <position>",
      "in the ledger: @1234, 03:12, 5m, HEAD, HEAD~3 (commits back)",
      positionArgument,
    )
    .option("--interface <name>", "interface by which the packet reaches the node")
    .option("--json", "one line of JSON")
    .addHelpText("after", EXAMPLE)
    .action(async (source: string, target: string, options: WhyOptions) =>
      done(await whyCommand(source, target, options))
    );
}

/** Prints the path of a packet from `source` to `target`; returns the exit code. Throws UsageError, WrongPosition. */
async function whyCommand(source: string, target: string, options: WhyOptions): Promise<number> {
  const state = await stateOf(options);
  const packet = packetArgument(directoryOf(state.state), source, target, options.interface);
  const path = pathOf(state, packet);
  if (options.json) printJson("why/1", path);
  else printLines(pathLines(path));
  return EXIT.done;
}

/** The state of the source, or that of the ledger at `--at`. Throws UsageError where both are given. */
async function stateOf(options: WhyOptions): Promise<PastState> {
  const { at, ledger } = options;
  const hasSource = (options.source ?? options.kubeconfig) !== undefined;
  if (hasSource && ledger !== undefined) {
    throw new UsageError(
      "give either --ledger DIR or --source PATH (or --kubeconfig FILE): the answer comes from one of them",
    );
  }
  if (!hasSource) {
    const past = pastArgument(ledger);
    return stateArgument(past, at);
  }
  if (at !== undefined) throw new UsageError("--at needs --ledger: a source has only its present state");
  // A ledger needs no client of an API server.
  const { stateOfSource } = await import("../../node/source_state.ts");
  return await stateOfSource(options);
}
