// Opens the folder of a ledger for questions. It takes no lock, so a program can read a ledger while another writes it.

import type { SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { type History, historyOf } from "../history/history.ts";
import type { Past } from "../history/past.ts";
import { ledgerView, NO_PROGRESS, type Progress } from "../ledger/ledger_view.ts";
import { archiveStorage } from "../ledger/archive.ts";
import { segmentNames } from "../ledger/format.ts";
import { folderStorage } from "../ledger/storage.ts";

/** A folder has no ledger. */
export class LedgerNotFound extends Error {
  /** For programs that cannot use instanceof. */
  override readonly name = "LedgerNotFound";

  /** For a `path` that has no segment of a ledger, or does not exist. */
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
 * The ledger in folder `path`, for questions. Long questions report to `progress`. Throws {@link LedgerNotFound}. A question
 * throws LedgerDamage where it cannot read a record.
 */
export function openLedger(path: string, progress: Progress = NO_PROGRESS): History {
  return historyOf(openPast(path, progress));
}

/** As {@link openLedger}, for questions that History does not offer. */
export function openPast(path: string, progress: Progress = NO_PROGRESS): Past {
  try {
    const folder = folderStorage(path, false);
    const storage = segmentNames(folder).length > 0 ? folder : archiveStorage(path);
    if (storage !== undefined) return ledgerView<SnapshotLine>(storage, snapshotMisfit, progress);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
  }
  throw new LedgerNotFound(path);
}
