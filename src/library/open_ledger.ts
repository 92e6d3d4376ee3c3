// Opens the folder of a ledger for questions. It takes no lock: a ledger can be asked while it is written.

import type { SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { type History, historyOf } from "../history/history.ts";
import type { Past } from "../history/past.ts";
import { ledgerView, NO_PROGRESS, type Progress } from "../ledger/ledger_view.ts";
import { segmentNames } from "../ledger/segment.ts";
import { folderStorage } from "../ledger/storage.ts";

/** There is no ledger in a folder. */
export class LedgerNotFound extends Error {
  /** For programs that cannot use instanceof. */
  override readonly name = "LedgerNotFound";

  /** `path` has no segment of a ledger, or does not exist. */
  constructor(
    /** The folder. */
    readonly path: string,
  ) {
    super(`${path}: there is no ledger (a folder with *.ndjson segments)`);
  }
}

/** Whether `error` says that there is no ledger. */
export function isLedgerNotFound(error: unknown): error is LedgerNotFound {
  return error instanceof LedgerNotFound;
}

/**
 * The ledger in folder `path`, for questions. Long ones report to `progress`. Throws {@link LedgerNotFound}; questions throw
 * LedgerDamage where a record cannot be read.
 */
export function openLedger(path: string, progress: Progress = NO_PROGRESS): History {
  return historyOf(openPast(path, progress));
}

/** As {@link openLedger}, for functions that ask what History does not offer. */
export function openPast(path: string, progress: Progress = NO_PROGRESS): Past {
  const storage = folderStorage(path, false);
  try {
    if (segmentNames(storage).length > 0) return ledgerView<SnapshotLine>(storage, snapshotMisfit, progress);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
  }
  throw new LedgerNotFound(path);
}
