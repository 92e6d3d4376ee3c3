// Notes in a ledger that `cleanup` removed the rules that were made from it, so that what asks the ledger does not say that they serve.

import { isLedgerDamage } from "../ledger/damage.ts";
import { LedgerGone, LedgerLocked } from "../ledger/disk_writer.ts";
import { ledgerId } from "../ledger/reader.ts";
import { CLEANUP } from "../fold/skeleton.ts";
import { folderStorage, type Storage } from "../ledger/storage.ts";
import { LedgerUnwritten, LedgerWriter } from "../ledger/writer.ts";

/** Appends to the ledger in `folder`, whose id must be `ledger`, that `tables` were removed. Returns the reason where it cannot. */
export function noteCleanup(folder: string, ledger: string, tables: readonly string[]): string | undefined {
  try {
    const storage = folderStorage(folder, false);
    if (ledgerId(storage) !== ledger) return `${folder}: the rules were made from another ledger`;
    append(storage, tables);
    return undefined;
  } catch (error) {
    const isExpected = error instanceof LedgerLocked || error instanceof LedgerGone ||
      error instanceof LedgerUnwritten || isLedgerDamage(error) ||
      Object.values(Deno.errors).some((kind) => error instanceof kind);
    if (!isExpected || !(error instanceof Error)) throw error;
    return error.message;
  }
}

function append(storage: Storage, tables: readonly string[]): void {
  const writer = new LedgerWriter(storage, { policy: "always" });
  try {
    writer.append([{
      kind: "drift",
      time: new Date().toISOString(),
      process: CLEANUP,
      pid: Deno.pid,
      changes: tables.map((table) => `delete table ${table}`),
      response: "they stay away until `run` starts again",
    }]);
    writer.finish();
  } finally {
    writer[Symbol.dispose]();
  }
}
