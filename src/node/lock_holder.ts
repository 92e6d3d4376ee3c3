// Whether the process that holds the lock of the ledger is at work. One that ended while its thread is blocked in a call of the
// disk keeps the lock, perhaps for ever, and does nothing else any more.

import { readSpecial } from "../kernel/special_files.ts";
import { SystemError } from "../kernel/system_error.ts";

/** States of proc(5): zombie and dead. The first thread of a process is a zombie while another one cannot end. */
const ENDED = /^[ZXx]$/;

/**
 * Whether the holder, as its lock names it, runs. A name in another PID namespace means nothing here: a process that cannot be
 * found does not count as running, and neither does this one. Only a lock file that another program replaced names no process.
 */
export function isRunning(
  heldBy: string,
  own = Deno.pid,
  read: (path: string) => string = readSpecial,
): boolean {
  const [, pid] = /^process (\d+)$/.exec(heldBy) ?? [];
  if (pid === undefined) return true;
  if (Number(pid) === own) return false;
  try {
    // The name of the program is in parentheses, and may contain some.
    const [state = ""] = read(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
    return !ENDED.test(state);
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}
