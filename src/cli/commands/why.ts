// `ledgerproxy why SRC DST:PORT/PROTO`: prints where the first packet of a connection goes, with the rules, elements and
// records that decide it. It reads a source or a ledger, and touches neither kernel nor ledger. With --live it follows a real packet.

import type { CountedElements } from "../../history/counted_connections.ts";
import { directoryOf } from "../../history/directory.ts";
import type { PastState } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { realPath } from "../../history/real_path.ts";
import { realPathLines } from "../../history/real_path_words.ts";
import type { Packet } from "../../history/trace.ts";
import { pathOf } from "../../history/why.ts";
import { pathLines } from "../../history/why_words.ts";
import { PacketTrace, type TracedPacket } from "../../kernel/packet_trace.ts";
import { endpointText } from "../../nft/text.ts";
import type { ConfigOptions } from "../../node/config.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { stopSignal } from "../../node/stop_signal.ts";
import { type Command, type Done, positive } from "../command_line.ts";
import { countedConnections, COUNTS_FLAG } from "../listed_rules.ts";
import { withSourceToRead } from "../source_flags.ts";
import { printJson, printLines } from "../terminal.ts";
import { packetArgument, pastArgument, positionArgument, sayRemoved, stateArgument } from "../arguments.ts";

/** Flags of `why`. */
interface WhyOptions extends ConfigOptions {
  readonly at?: PositionExpression;
  readonly interface?: string;
  readonly json?: boolean;
  /** Print every element and outcome. */
  readonly all?: boolean;
  readonly live?: boolean;
  readonly kernel?: boolean;
  /** Seconds. */
  readonly timeout: number;
}

const EXAMPLE = `
Example:
  ledgerproxy why 10.244.1.5 shop/web:http --at 03:12
  ledgerproxy why 10.244.1.5 shop/web:http --live
  ledgerproxy why 203.0.113.9 192.168.10.10:30080/tcp \\
      --source cluster.yaml --node node-a`;

/** Adds `why` to the program. */
export function addWhy(program: Command, done: Done): void {
  withSourceToRead(program.command("why"))
    .description("trace the first packet of a connection: where it goes, and why")
    .argument("<source>", "the sender: an address, a pod or a node")
    .argument("<target>", "a Service (shop/web, shop/web:http), or ADDRESS:PORT/PROTO")
    .option(
      "--at <position>",
      "at this position of the ledger: @1234, 03:12, 5m, HEAD, HEAD~3 (commits back)",
      positionArgument,
    )
    .option("--interface <name>", "interface by which the packet reaches the node")
    .option("--live", "wait for such a packet, and print the rules that it meets in this node's kernel")
    .option(...COUNTS_FLAG)
    .option("--timeout <seconds>", "how long --live waits", positive, 30)
    .option("--all", "print all elements and outcomes; of more than 16 in a list the first 8 are printed")
    .option("--json", "one line of JSON")
    .addHelpText("after", EXAMPLE)
    .action(async (source: string, target: string, options: WhyOptions) =>
      done(await whyCommand(source, target, options))
    );
}

/** Prints the path of a packet from `source` to `target`; returns the exit code. Throws UsageError, WrongPosition. */
async function whyCommand(source: string, target: string, options: WhyOptions): Promise<number> {
  const state = await stateOf(options);
  const directory = directoryOf(state.state);
  const packet = packetArgument(directory, source, target, options.interface, !isOfSource(options));
  if (options.live) return await followCommand(packet, options);
  const path = pathOf(state, packet, counts(options));
  if (options.json) printJson("why/1", path);
  else printLines(pathLines(path, options.all));
  return EXIT.done;
}

/** What the kernel has counted, where that was asked for: of rules that were made from the ledger. Throws UsageError. */
function counts({ kernel, ledger }: WhyOptions): CountedElements | undefined {
  return kernel ? countedConnections(pastArgument(ledger).id()) : undefined;
}

/** Waits for such a packet. Returns 1 where none comes, or where it goes elsewhere than the rules say. */
async function followCommand(packet: Packet, options: WhyOptions): Promise<number> {
  const { timeout, json, all } = options;
  const signal = AbortSignal.any([stopSignal().signal, AbortSignal.timeout(timeout * 1000)]);
  const { source, destination, port, protocol } = packet;
  const connection = `connection from ${source} to ${endpointText(destination, port)}/${protocol}`;
  const met = await packetMet(packet, signal, () => {
    log.info(`waiting ${timeout} s for the first packet of a ${connection}`);
  });
  if (met === undefined) {
    log.error(`no ${connection} began`);
    return EXIT.found;
  }
  // The rules may have changed while it waited.
  const path = realPath(await stateOf(options), packet, met);
  if (json) printJson("why-live/1", path);
  else printLines(realPathLines(path, all));
  return path.agrees ? EXIT.done : EXIT.found;
}

/** The first such packet; undefined where none comes by `signal`. From `ready` on none is missed. Throws KernelRejection. */
async function packetMet(
  packet: Packet,
  signal: AbortSignal,
  ready: () => void,
): Promise<TracedPacket | undefined> {
  const trace = new PacketTrace(packet);
  try {
    ready();
    return await trace.packet(signal);
  } finally {
    trace[Symbol.dispose]();
  }
}

/** Whether the rules are those that a source would make, and no ledger is read. */
function isOfSource({ source, kubeconfig, master }: WhyOptions): boolean {
  return (source ?? kubeconfig ?? master) !== undefined;
}

/** The state of the source, or that of the ledger at `--at`. Throws UsageError. */
async function stateOf(options: WhyOptions): Promise<PastState> {
  const { at, ledger } = options;
  if (!isOfSource(options)) {
    const past = pastArgument(ledger);
    const found = stateArgument(past, at);
    sayRemoved(past, found.state);
    return found;
  }
  // A ledger needs no client of an API server.
  const { stateOfSource } = await import("../../node/source_state.ts");
  return await stateOfSource(options);
}
