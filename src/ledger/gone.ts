// Files that go while a ledger is read. A reader takes no lock: between its look at the folder and the reading of a segment, the
// writer may have compressed the segment, or retention may have removed it.

import { codeOf } from "../thrown.ts";
import { READ_AGAIN_MAX } from "../limits/questions.ts";

/** Retention removed a segment, whatever its form, while the ledger was read. */
export class SegmentGone extends Error {
  override readonly name = "SegmentGone";

  constructor(file: string) {
    super(`${file} was removed while it was read: retention keeps less of the past by now; ask again`);
  }
}

/** Whether `error` says that a segment was removed while it was read. */
export function isSegmentGone(error: unknown): error is SegmentGone {
  return error instanceof SegmentGone;
}

/** What `read` returns; undefined where the file it reads is not there any more. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** As {@link askAgain}, for what takes its time. */
export async function askAgainLater<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = READ_AGAIN_MAX;; left--) {
    try {
      return await ask();
    } catch (error) {
      if (!isSegmentGone(error) || left === 0) throw error;
    }
  }
}

/** What `ask` returns. Asks again where segments went meanwhile: what is kept is then read from its new beginning. */
export function askAgain<T>(ask: () => T): T {
  for (let left = READ_AGAIN_MAX;; left--) {
    try {
      return ask();
    } catch (error) {
      if (!isSegmentGone(error) || left === 0) throw error;
    }
  }
}
