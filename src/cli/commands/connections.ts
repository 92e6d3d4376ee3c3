// `ledgerproxy connections [WHAT]` and `drain WHAT`: print the connections that this node's kernel tracks, with the Service and
// endpoint of each.

import { connectionsAbout, type EndpointConnections } from "../../history/connections.ts";
import { connectionsLines, drainLine, eachConnectionLines } from "../../history/connections_words.ts";
import { stateToRead } from "../../history/journal_reading.ts";
import type { Past } from "../../history/past.ts";
import { commitAtTime } from "../../history/position_expression.ts";
import { translatedFlows } from "../../kernel/conntrack.ts";
import { blockOf, type Cidr, parseAddress, parseCidr } from "../../kube/address.ts";
import { EXIT } from "../../node/exit_code.ts";
import { stopSignal } from "../../node/stop_signal.ts";
import { UsageError } from "../../node/usage_error.ts";
import { pause } from "../../pause.ts";
import { offsetArgument, pastArgument, type SubjectFinder, subjectFinder } from "../arguments.ts";
import { type Command, type Done, ledgerCommand, positive } from "../command_line.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines, printList } from "../terminal.ts";

/** Flags of `connections`. */
interface ConnectionsOptions {
  readonly ledger?: string;
  readonly client?: string;
  readonly leaving?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** Flags of `drain`. */
interface DrainOptions extends ConnectionsOptions {
  /** Seconds. */
  readonly timeout?: number;
}

/** How often `drain` counts, in milliseconds. */
const DRAIN_MILLISECONDS = 1000;

const WHAT =
  "a Service or its port, a namespace (shop/), an endpoint's address or CIDR, a pod, a node, a zone";

/** Adds `connections` to the program. */
export function addConnections(program: Command, done: Done): void {
  const connections =
    "print this node's connections by Service and endpoint, and since when an endpoint gets no new connections";
  ledgerCommand(program, "connections", connections, "connections shop/web --leaving")
    .argument("[what]", WHAT)
    .option("--client <address>", "only those from this address or CIDR")
    .option("--leaving", "only those to endpoints that get no new connections")
    .option("--list", "print each connection, with the commit that chose its endpoint")
    .action((what: string | undefined, options: ConnectionsOptions) =>
      done(connectionsCommand(what, options))
    );
}

/** Adds `drain` to the program. */
export function addDrain(program: Command, done: Done): void {
  const drain = "print how many connections to a node or endpoint are open, until none is left";
  ledgerCommand(program, "drain", drain, "drain node-b --timeout 600")
    .argument("<what>", WHAT)
    .option("--timeout <seconds>", "stop after this time, with exit code 1 (never)", positive)
    .action(async (what: string, options: DrainOptions) => done(await drainCommand(what, options)));
}

/** Returns 1 where there is none. Throws UsageError, NothingFound, SystemError. */
function connectionsCommand(what: string | undefined, options: ConnectionsOptions): number {
  const past = pastArgument(options.ledger);
  const subjectIn = subjectFinder(what);
  const rows = rowsFound(past, subjectIn, options);
  const commitAt = (time: string) => commitAtTime(past, Date.parse(time))?.offset;
  if (options.json) printRows(rows);
  else if (options.list) printList(eachConnectionLines(rows, commitAt, localTime));
  else printList(connectionsLines(rows, localTime));
  return rows.length === 0 ? EXIT.found : EXIT.done;
}

/** Returns 1 where connections are left at the end. Throws as {@link connectionsCommand}. */
async function drainCommand(what: string, options: DrainOptions): Promise<number> {
  const past = pastArgument(options.ledger);
  const deadline = performance.now() + (options.timeout ?? Infinity) * 1000;
  const { signal } = stopSignal();
  const subjectIn = subjectFinder(what);
  let last = "";
  while (!signal.aborted) {
    const rows = rowsFound(past, subjectIn, options);
    const line = drainLine(rows);
    if (line !== last) printCount(rows, line, options);
    last = line;
    if (rows.every(({ open }) => open === 0)) return EXIT.done;
    if (performance.now() >= deadline) return EXIT.found;
    await pause(DRAIN_MILLISECONDS, signal);
  }
  return EXIT.found;
}

function printCount(rows: readonly EndpointConnections[], line: string, { json }: DrainOptions): void {
  if (json) printRows(rows);
  else printLines([`${localTime(new Date().toISOString())}  ${line}`]);
}

function printRows(rows: readonly EndpointConnections[]): void {
  for (const row of rows) printJson("connections/1", row);
}

/** The connections that the flags mean, at the ledger's last record. */
function rowsFound(
  past: Past,
  subjectIn: SubjectFinder,
  options: ConnectionsOptions,
): EndpointConnections[] {
  const through = offsetArgument(past);
  const state = stateToRead(past, through);
  const subject = subjectIn(state);
  const clients = options.client === undefined ? undefined : clientsArgument(options.client);
  return connectionsAbout(past, { state, through }, { ...options, subject, clients }, translatedFlows);
}

/** Throws UsageError. */
function clientsArgument(text: string): Cidr {
  const address = parseAddress(text);
  const clients = address === undefined ? parseCidr(text) : blockOf(address);
  if (clients === undefined) {
    throw new UsageError(`--client ${text}: it must be an address or a CIDR, such as 10.244.1.0/24`);
  }
  return clients;
}
