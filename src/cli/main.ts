// The program `ledgerproxy`, with one subcommand for each task. Exit codes: see node/exit_code.ts.

import { isNotRecorded, isWrongPosition } from "../history/past.ts";
import { KubeconfigProblem } from "../ingest/api_failure.ts";
import { SystemError } from "../kernel/system_error.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { isSegmentGone } from "../ledger/gone.ts";
import { LedgerLocked, LedgerOverflow } from "../ledger/writer.ts";
import { EXIT } from "../node/exit_code.ts";
import { flushLog, log, startLog } from "../node/log.ts";
import { VERSION } from "../node/program_version.ts";
import { UsageError } from "../node/usage_error.ts";
import { codeOf } from "../thrown.ts";
import { NothingFound } from "./arguments.ts";
import { Command, CommanderError, type Done, withoutSigns } from "./command_line.ts";
import { addBisect } from "./commands/bisect.ts";
import { addBlame } from "./commands/blame.ts";
import { addCheck } from "./commands/check.ts";
import { addCleanup } from "./commands/cleanup.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConnections } from "./commands/connections.ts";
import { addDiff } from "./commands/diff.ts";
import { addLog } from "./commands/log.ts";
import { addManifest } from "./commands/manifest.ts";
import { addPlan } from "./commands/plan.ts";
import { addRecord } from "./commands/record.ts";
import { addReplay } from "./commands/replay.ts";
import { addReport } from "./commands/report.ts";
import { addRun } from "./commands/run.ts";
import { addSchema } from "./commands/schema.ts";
import { addEndpoints, addServices } from "./commands/services.ts";
import { addShow } from "./commands/show.ts";
import { addStatus } from "./commands/status.ts";
import { addTest } from "./commands/test.ts";
import { addTop } from "./commands/top.ts";
import { addVerify } from "./commands/verify.ts";
import { addVersion } from "./commands/version.ts";
import { addWhy } from "./commands/why.ts";
import { serveReplay } from "./replay_workers.ts";
import { OutputFailure, printText } from "./terminal.ts";

/** Adds each command, in the order of the help. */
const COMMANDS: readonly ((program: Command, done: Done) => void)[] = [
  ...[addRun, addRecord, addWhy, addCheck, addCleanup],
  ...[addStatus, addServices, addEndpoints, addTop, addConnections, addPlan, addTest],
  ...[addLog, addShow, addReplay, addDiff, addBisect, addBlame],
  ...[addReport, addVerify, addManifest, addVersion, addSchema, addCompletion],
];

/** Runs the program with `args`; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command("ledgerproxy")
    .description("A Kubernetes service proxy for nftables that keeps a ledger.")
    .version(VERSION)
    // Help ends with a newline, and so does what printText prints.
    .configureOutput({ writeOut: (text) => printText(text.replace(/\n$/, "")) })
    .exitOverride();
  for (const add of COMMANDS) {
    add(program, (result) => {
      code = result;
    });
  }
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(withoutSigns(args), { from: "user" });
  return code;
}

/** Whether the user must ask for something else. */
function isWrongUsage(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof KubeconfigProblem || isWrongPosition(error);
}

/** Whether the message of an error is all that a user needs. Any other error is a fault of the program. */
function isExplained(error: unknown): error is Error {
  return error instanceof LedgerLocked || error instanceof OutputFailure || error instanceof LedgerOverflow ||
    error instanceof SystemError || isLedgerDamage(error) || isNotRecorded(error) || isSegmentGone(error) ||
    (error instanceof Error && Object.values(Deno.errors).some((kind) => error instanceof kind)) ||
    // Deno has no class for most errors of the system, such as ENOSPC.
    /^E[A-Z0-9]+$/.test(String(codeOf(error)));
}

/** The stack of an error, for a report of a bug. */
function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Runs the program; turns an error into a message and an exit code. */
async function exitCode(args: readonly string[]): Promise<number> {
  try {
    return await main(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (isWrongUsage(error)) {
      log.error(error.message);
      return EXIT.usage;
    }
    if (error instanceof NothingFound) {
      log.error(error.message);
      return EXIT.found;
    }
    log.error(
      isExplained(error) ? error.message : `a fault of this program: ${stackOf(error)}`,
    );
    return EXIT.failure;
  }
}

if ("DedicatedWorkerGlobalScope" in globalThis) serveReplay();
else if (import.meta.main) {
  startLog();
  Deno.exitCode = await exitCode(Deno.args);
  // A write that hangs would keep the process alive.
  if (!await flushLog()) Deno.exit();
}
