// `ledgerproxy why SRC DST:PORT/PROTO`: prints where the first packet of a connection goes, with the rules, elements and
// records that decide it. It reads a source or a ledger, and touches neither kernel nor ledger.

import type { PastState } from "../../history/past.ts";
import { HEAD, type PositionExpression, resolvePosition } from "../../history/position_expression.ts";
import { pastAt } from "../../history/recorded_rules.ts";
import { pathOf } from "../../history/why.ts";
import { pathLines } from "../../history/why_words.ts";
import type { ConfigOptions } from "../../node/config.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";
import { printJson } from "../json_schema.ts";
import { stateOfSource } from "../source_state.ts";
import { printLines } from "../terminal.ts";
import { packetArgument, pastArgument, positionArgument } from "../arguments.ts";

/** Flags of `why`. */
interface WhyOptions extends ConfigOptions {
  readonly at?: PositionExpression;
  readonly interface?: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  ledgerproxy why 10.244.1.5 10.96.0.10:80/tcp --ledger /var/lib/ledgerproxy
  ledgerproxy why 203.0.113.9 192.168.10.10:30080/tcp --source cluster.yaml --node node-a`;

/** Describes `command`, which has the flags about sources, as `why`. */
export function addWhy(command: Command, done: Done): void {
  command
    .description("trace the first packet of a connection: where it goes, and why")
    .argument("<source>", "address of the sender")
    .argument("<target>", "ADDRESS:PORT/PROTO, [ADDRESS]:PORT/PROTO for IPv6")
    .option("--at <position>", "with --ledger: @1234, a time, HEAD, HEAD~3 (commits back)", positionArgument)
    .option("--interface <name>", "interface by which the packet reaches the node")
    .option("--json", "one line of JSON")
    .addHelpText("after", EXAMPLE)
    .action(async (source: string, target: string, options: WhyOptions) =>
      done(await whyCommand(source, target, options))
    );
}

/** Prints the path of a packet from `source` to `target`; returns the exit code. Throws UsageError, WrongPosition. */
async function whyCommand(source: string, target: string, options: WhyOptions): Promise<number> {
  const packet = packetArgument(source, target, options.interface);
  const path = pathOf(await stateOf(options), packet);
  if (options.json) printJson("why/1", path);
  else printLines(pathLines(path));
  return 0;
}

/** The state of the ledger at `--at`, or of the source. Throws UsageError where not exactly one of the two is given. */
async function stateOf(options: WhyOptions): Promise<PastState> {
  const { at, ledger } = options;
  const hasSource = (options.source ?? options.kubeconfig) !== undefined;
  if (hasSource === (ledger !== undefined)) {
    throw new UsageError(
      "give either --ledger DIR or --source PATH (or --kubeconfig FILE): the answer comes from one of them",
    );
  }
  if (ledger !== undefined) {
    const past = pastArgument(ledger);
    return past.again(() => pastAt(past, resolvePosition(at ?? HEAD, past)));
  }
  if (at !== undefined) throw new UsageError("--at needs --ledger: a source has only its present state");
  return await stateOfSource(options);
}
