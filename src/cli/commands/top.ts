// `ledgerproxy top`, `outages [SERVICE]` and `latency [SERVICE]`: print what a range of the ledger says of how Services fared.

import { latencyIn } from "../../history/change_latency.ts";
import { latencyLines } from "../../history/change_latency_words.ts";
import { outagesIn } from "../../history/outages.ts";
import { outagesLines } from "../../history/outages_words.ts";
import type { Past } from "../../history/past.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { topIn } from "../../history/top.ts";
import { topLines } from "../../history/top_words.ts";
import { type Span, spanOf } from "../../history/window.ts";
import { EXIT } from "../../node/exit_code.ts";
import { type Command, type Done, ledgerCommand, wholePositive } from "../command_line.ts";
import { countedConnections, COUNTS_FLAG } from "../listed_rules.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines, printList, printTables } from "../terminal.ts";
import { pastArgument, positionArgument, sayTimes, serviceArgument } from "../arguments.ts";

/** Flags of the three commands. */
export interface RangeOptions {
  readonly ledger?: string;
  readonly since?: PositionExpression;
  readonly until?: PositionExpression;
  /** Of `top`: how many rows each table has. */
  readonly limit?: number;
  /** Of `top`. */
  readonly kernel?: boolean;
  readonly json?: boolean;
}

/** Adds `top` to the program. */
export function addTop(program: Command, done: Done): void {
  const top = "print what was busy: Services by changes, endpoints that came back, the slowest commits";
  withRange(ledgerCommand(program, "top", top, "top --since yesterday"))
    .option("-n, --limit <n>", "how many of each (10)", wholePositive)
    .option(...COUNTS_FLAG)
    .action((options: RangeOptions) => done(topCommand(options)));
}

/** Adds `outages` to the program. */
export function addOutages(program: Command, done: Done): void {
  const outages = "print when ports of Services had no endpoint, and which record made it so";
  withRange(ledgerCommand(program, "outages", outages, "outages shop/web --since 7d"))
    .argument("[service]", "only this Service, or this port of it")
    .action((service: string | undefined, options: RangeOptions) => done(outagesCommand(service, options)));
}

/** Adds `latency` to the program. */
export function addLatency(program: Command, done: Done): void {
  const latency = "print how long changes took to arrive and to be committed, and the slowest of them";
  withRange(ledgerCommand(program, "latency", latency, "latency shop/web --since 1h"))
    .argument("[service]", "only changes of this Service")
    .action((service: string | undefined, options: RangeOptions) => done(latencyCommand(service, options)));
}

function withRange(command: Command): Command {
  return command
    .option("--since <position>", "after this: @1234, 03:12, 5m, HEAD~3 (the beginning)", positionArgument)
    .option("--until <position>", "up to this (HEAD)", positionArgument);
}

/** A ledger and a range of it. */
function asked({ ledger, since, until }: RangeOptions): { readonly past: Past; readonly span: Span } {
  const past = pastArgument(ledger);
  sayTimes(past, since, until);
  return { past, span: spanOf(past, since, until) };
}

function topCommand(options: RangeOptions): number {
  const { past, span } = asked(options);
  const counted = options.kernel ? countedConnections(past.id()) : undefined;
  const top = topIn(past, span, options.limit, counted);
  if (options.json) printJson("top/1", top);
  else printTables(topLines(top, localTime));
  return EXIT.done;
}

/** Returns 1 where there is none. Throws NothingFound for a Service that the ledger does not know. */
function outagesCommand(text: string | undefined, options: RangeOptions): number {
  const { past, span } = asked(options);
  const meant = text === undefined ? undefined : serviceArgument(past, span.through, text);
  const outages = outagesIn(past, span, meant?.service)
    .filter(({ port }) => meant?.ports?.has(port) ?? true);
  if (options.json) { for (const outage of outages) printJson("outages/1", outage); }
  else if (outages.length === 0 && span.from > span.through) printLines(["no record is in this range"]);
  else if (outages.length === 0 && text !== undefined) {
    const service = meant?.service ?? text;
    const name = text.includes(service) ? text : `${text} (${service})`;
    printLines([`${name} did not lose its last endpoint in this range`]);
  } else printList(outagesLines(outages, localTime));
  return outages.length === 0 ? EXIT.found : EXIT.done;
}

/** Returns 1 where nothing was measured. Throws NothingFound for a Service that the ledger does not know. */
function latencyCommand(text: string | undefined, options: RangeOptions): number {
  const { past, span } = asked(options);
  const service = text === undefined ? undefined : serviceArgument(past, span.through, text).service;
  const latency = latencyIn(past, span, service);
  if (options.json) printJson("latency/1", latency);
  else printTables(latencyLines(latency, localTime));
  return latency.stages.every(({ count }) => count === 0) ? EXIT.found : EXIT.done;
}
