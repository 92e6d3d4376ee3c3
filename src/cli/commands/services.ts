// `ledgerproxy services [WHAT]` and `endpoints [WHAT]`: print the Services and endpoints at a position, with what changed them last.

import type { CountedElements } from "../../history/counted_connections.ts";
import { FollowedServices } from "../../history/followed_services.ts";
import { stateToRead } from "../../history/journal_reading.ts";
import type { Past } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import type { ServiceState } from "../../history/services.ts";
import { endpointsAbout, servicesAbout } from "../../history/services_about.ts";
import { endpointsLines, serviceLines, servicesLines } from "../../history/services_words.ts";
import type { LedgerDamage } from "../../ledger/damage.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { type Command, type Done, ledgerCommand, Option } from "../command_line.ts";
import { countedConnections, COUNTS_FLAG } from "../listed_rules.ts";
import { watching } from "../follow_ledger.ts";
import { localTime } from "../local_time.ts";
import { printJson, printList } from "../terminal.ts";
import { offsetArgument, pastArgument, positionArgument, sayRemoved, subjectFinder } from "../arguments.ts";

/** Flags of `services` and `endpoints`. */
interface ServicesOptions {
  readonly ledger?: string;
  readonly at?: PositionExpression;
  readonly output?: "wide" | "json";
  readonly watch?: boolean;
  readonly kernel?: boolean;
  readonly json?: boolean;
}

const WHAT =
  "a Service, or those of a namespace (shop/), at an address, CIDR or port (30080), on a node, in a zone, of a pod";

/** Adds `services` to the program. */
export function addServices(program: Command, done: Done): void {
  const description = "print Services: type, frontends, endpoints, and what changed each last";
  withFlags(ledgerCommand(program, "services", description, "services shop/web --at 03:12"), WHAT)
    .option("--watch", "print them again whenever they change")
    .action(async (what: string | undefined, options: ServicesOptions) =>
      done(await servicesCommand(what, options))
    );
}

/** Adds `endpoints` to the program. */
export function addEndpoints(program: Command, done: Done): void {
  const description = "print endpoints: condition, node, zone, pod, and since when each gets traffic";
  withFlags(ledgerCommand(program, "endpoints", description, "endpoints node-b --at 5m"), WHAT)
    .action((what: string | undefined, options: ServicesOptions) => done(endpointsCommand(what, options)));
}

function withFlags(command: Command, what: string): Command {
  return command.argument("[what]", what)
    .option(...COUNTS_FLAG)
    .option("--at <position>", "at this position: @1234, 03:12, 5m, HEAD~3 (HEAD)", positionArgument)
    .addOption(
      new Option("-o, --output <form>", "wide: more columns; json: as --json").choices(["wide", "json"]),
    );
}

/** Prints the Services; returns 1 where none matches. Throws UsageError, WrongPosition, NothingFound. */
async function servicesCommand(what: string | undefined, options: ServicesOptions): Promise<number> {
  const past = pastArgument(options.ledger);
  if (options.watch) return await watchServices(past, what, options);
  const damages: LedgerDamage[] = [];
  const through = offsetArgument(past, options.at);
  const state = stateToRead(past, through);
  sayRemoved(past, state);
  const subject = subjectFinder(what)(state);
  const noted = (one: LedgerDamage) => damages.push(one);
  const services = servicesAbout(past, state, subject, undefined, noted, counts(past, options));
  if (isJson(options)) { for (const one of services) printJson("services/1", one); }
  else printList(servicesOutput(services, what, options));
  if (services.length === 0 && what !== undefined) log.info(`${what}: no Service at @${through} has it`);
  return exitCode(services.length, damages);
}

/** Prints the Services again whenever they change. Throws NothingFound where there is nothing of that name at first. */
async function watchServices(
  past: Past,
  what: string | undefined,
  options: ServicesOptions,
): Promise<number> {
  const subjectIn = subjectFinder(what);
  const followed = new FollowedServices(past);
  let [shown, lines]: [readonly ServiceState[] | undefined, readonly string[]] = [undefined, []];
  const linesAt = (offset: number) => {
    const state = stateToRead(past, offset);
    const subject = subjectIn(state);
    const services = followed.at(state, subject);
    if (services === shown) return lines;
    shown = services;
    if (subject === undefined || services.length > 0) return lines = servicesOutput(services, what, options);
    return lines = [
      subject.kind === "service" ? `${subject.service}  is gone` : `${what}: no Service has it`,
    ];
  };
  return await watching(past, linesAt, goneServices);
}

/** A line for each Service whose row was there before and is not now. */
function goneServices(before: readonly string[], now: readonly string[]): string[] {
  const nameOf = (line: string) => /^\S+\/\S+(?= {2})/.exec(line)?.[0] ?? "";
  const there = new Set(now.map(nameOf));
  const names = new Set(before.map(nameOf).filter((name) => name !== "" && !there.has(name)));
  return [...names].map((name) => `${name}  is gone`);
}

/** What is there is right where an older segment is damaged; what changed it last is not known then, which is said. */
function exitCode(found: number, damages: readonly LedgerDamage[]): number {
  for (const { message } of damages) log.error(`what changed these last cannot be read: ${message}`);
  return damages.length > 0 ? EXIT.failure : found === 0 ? EXIT.found : EXIT.done;
}

function isJson({ json, output }: ServicesOptions): boolean {
  return json === true || output === "json";
}

/** The lines about Services: each in detail where they were asked for by name. */
function servicesOutput(
  services: readonly ServiceState[],
  what: string | undefined,
  { output }: ServicesOptions,
): string[] {
  return what === undefined || output === "wide"
    ? servicesLines(services, output === "wide", localTime)
    : services.flatMap((one) => serviceLines(one, localTime));
}

/** What the kernel has counted, where that was asked for. */
function counts(past: Past, { kernel }: ServicesOptions): CountedElements | undefined {
  return kernel ? countedConnections(past.id()) : undefined;
}

/** Prints the endpoints; returns 1 where there are none. Throws UsageError, WrongPosition, NothingFound. */
function endpointsCommand(what: string | undefined, options: ServicesOptions): number {
  const past = pastArgument(options.ledger);
  const state = stateToRead(past, offsetArgument(past, options.at));
  sayRemoved(past, state);
  const damages: LedgerDamage[] = [];
  const counted = counts(past, options);
  const endpoints = endpointsAbout(
    past,
    state,
    subjectFinder(what)(state),
    (one) => damages.push(one),
    counted,
  );
  if (isJson(options)) { for (const one of endpoints) printJson("endpoints/1", one); }
  else printList(endpointsLines(endpoints, options.output === "wide", localTime));
  return exitCode(endpoints.length, damages);
}
