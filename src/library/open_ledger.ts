// Opens the folder of a ledger for questions. It takes no lock: a ledger can be asked while it is written.

import { type History, historyOf } from "../history/history.ts";
import { ledgerView, NO_PROGRESS, type Progress } from "../ledger/ledger_view.ts";
import { segmentNames } from "../ledger/segment.ts";
import { folderStorage } from "../ledger/storage.ts";

/** There is no ledger in a folder. */
export class LedgerNotFound extends Error {
  override readonly name = "LedgerNotFound";

  constructor(readonly path: string) {
    super(`${path}: there is no ledger (a folder with *.ndjson segments)`);
  }
}

/** Whether `error` says that there is no ledger. */
export function isLedgerNotFound(error: unknown): error is LedgerNotFound {
  return error instanceof LedgerNotFound;
}

/**
 * The history in folder `path`. Long questions report to `progress`. Throws {@link LedgerNotFound}; questions throw
 * LedgerDamage where a record cannot be read.
 */
export function openLedger(path: string, progress: Progress = NO_PROGRESS): History {
  const storage = folderStorage(path, false);
  try {
    if (segmentNames(storage).length > 0) return historyOf(ledgerView(storage, progress));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
  }
  throw new LedgerNotFound(path);
}
