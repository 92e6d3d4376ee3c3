// The program `ledgerproxy`, with one subcommand for each task. Exit codes: see node/exit_code.ts.

import { EXIT } from "../node/exit_code.ts";
import { isReading } from "../ingest/unblocked_file.ts";
import { flushLog, log, startLog } from "../node/log.ts";
import { CommanderError } from "./command_line.ts";
import { isExplained, isWrongUsage, wayOut } from "./explained.ts";
import { NothingFound } from "./nothing_found.ts";
import { runProgram } from "./program.ts";
import { endPaging, OutputClosed } from "./terminal.ts";

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
    log.error(isExplained(error) ? error.message : `a fault of this program: ${stackOf(error)}`);
    const next = wayOut(error);
    if (next !== "") log.info(next);
    return EXIT.failure;
  }
}

if ("DedicatedWorkerGlobalScope" in globalThis) (await import("./replay_workers.ts")).serveReplay();
else if (import.meta.main) {
  startLog();
  Deno.exitCode = await exitCode(Deno.args);
  // A write or a read that hangs would keep the process alive.
  if (!await flushLog() || isReading()) Deno.exit();
}
