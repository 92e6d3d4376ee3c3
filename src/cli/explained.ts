// The errors that a command may end with. An error that is in no list here is a fault of the program, and is printed with its stack;
// a test finds each class of errors that is in none.

import { NotRecorded, WrongPosition } from "../history/past.ts";
import { ApiFailure, KubeconfigProblem } from "../ingest/api_failure.ts";
import { FileIsPipe, FileTooLong } from "../ingest/bounded_file.ts";
import { UnreadableRuleset } from "../kernel/kernel.ts";
import { KernelRejection } from "../kernel/kernel_rejection.ts";
import { SystemError } from "../kernel/system_error.ts";
import { LedgerDamage } from "../ledger/damage.ts";
import { FolderNotOurs } from "../ledger/disk_folder.ts";
import { LedgerGone, LedgerLocked } from "../ledger/disk_writer.ts";
import { SegmentGone } from "../ledger/gone.ts";
import { LedgerOverflow, LedgerUnwritten } from "../ledger/writer.ts";
import { RenewalRefused } from "../node/renew_ledger.ts";
import { UsageError } from "../node/usage_error.ts";
import { codeOf } from "../thrown.ts";
import { OutputFailure } from "./terminal.ts";

/** After these the user must ask for something else. */
export const WRONG_USAGE = [UsageError, KubeconfigProblem, WrongPosition];

/** After these the command could not do what it was asked for. The message is all that a user needs. */
export const EXPLAINED = [
  ...[ApiFailure, FileIsPipe, FileTooLong],
  ...[KernelRejection, SystemError, UnreadableRuleset],
  ...[FolderNotOurs, LedgerDamage, LedgerGone, LedgerLocked, LedgerOverflow, LedgerUnwritten, NotRecorded],
  ...[RenewalRefused, SegmentGone],
  OutputFailure,
  ...Object.values(Deno.errors),
];

/** What to do with a ledger that is damaged. */
export const REPAIR =
  "`verify --repair` sets it aside and goes on with what can be used; `run` does so by itself";

/** What to do after `error`, where its message does not say it; "" where it does. */
export function wayOut(error: unknown): string {
  if (!(error instanceof LedgerDamage) || error.newerVersion) return "";
  const { offset = 0 } = error;
  const before = offset === 0
    ? ""
    : `what was before @${offset} can be asked for: --at @${offset - 1}, --until @${offset - 1}; `;
  return `${before}\`verify\` says up to where the ledger is whole; ${REPAIR}`;
}

/** Whether the user must ask for something else. */
export function isWrongUsage(error: unknown): error is Error {
  return WRONG_USAGE.some((kind) => error instanceof kind);
}

/** Whether the message of an error is all that a user needs. */
export function isExplained(error: unknown): error is Error {
  // Deno has no class for most errors of the system, such as ENOSPC.
  return EXPLAINED.some((kind) => error instanceof kind) || /^E[A-Z0-9]+$/.test(String(codeOf(error)));
}
