// The program `ledgerproxy`, with one subcommand for each task. Exit codes: see node/exit_code.ts.

import { isNotRecorded, isWrongPosition } from "../history/past.ts";
import { KubeconfigProblem } from "../ingest/api_failure.ts";
import { SystemError } from "../kernel/system_error.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { isSegmentGone } from "../ledger/gone.ts";
import { FolderNotOurs } from "../ledger/disk_folder.ts";
import { LedgerGone, LedgerLocked } from "../ledger/disk_writer.ts";
import { LedgerOverflow } from "../ledger/writer.ts";
import { EXIT } from "../node/exit_code.ts";
import { flushLog, log, startLog } from "../node/log.ts";
import { UsageError } from "../node/usage_error.ts";
import { codeOf } from "../thrown.ts";
import { CommanderError } from "./command_line.ts";
import { NothingFound } from "./nothing_found.ts";
import { runProgram } from "./program.ts";
import { endPaging, OutputClosed, OutputFailure } from "./terminal.ts";

/** Whether the user must ask for something else. */
function isWrongUsage(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof KubeconfigProblem || isWrongPosition(error);
}

/** Whether the message of an error is all that a user needs. Any other error is a fault of the program. */
function isExplained(error: unknown): error is Error {
  return error instanceof LedgerLocked || error instanceof LedgerGone || error instanceof FolderNotOurs ||
    error instanceof OutputFailure || error instanceof LedgerOverflow ||
    error instanceof SystemError || isLedgerDamage(error) || isNotRecorded(error) || isSegmentGone(error) ||
    (error instanceof Error && Object.values(Deno.errors).some((kind) => error instanceof kind)) ||
    // Deno has no class for most errors of the system, such as ENOSPC.
    /^E[A-Z0-9]+$/.test(String(codeOf(error)));
}

/** The stack of an error, for a report of a bug. */
function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Waits for `code`, and shows what was printed meanwhile, also before an error. */
async function shown(code: Promise<number>): Promise<number> {
  try {
    return await code;
  } finally {
    await endPaging();
  }
}

/** Runs the program; turns an error into a message and an exit code. */
async function exitCode(args: readonly string[]): Promise<number> {
  try {
    return await shown(runProgram(args));
  } catch (error) {
    // `| head` has what it wants.
    if (error instanceof OutputClosed) return EXIT.done;
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

if ("DedicatedWorkerGlobalScope" in globalThis) (await import("./replay_workers.ts")).serveReplay();
else if (import.meta.main) {
  startLog();
  Deno.exitCode = await exitCode(Deno.args);
  // A write that hangs would keep the process alive.
  if (!await flushLog()) Deno.exit();
}
