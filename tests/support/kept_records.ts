// The records that a ledger on a disk has, by kind.

import { readLedger } from "../../src/ledger/reader.ts";
import type { GapRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";

type OfKind<Kind> = Extract<LedgerRecord, { readonly kind: Kind }>;

/** The records of the ledger in `folder`, in order. */
export function allKept(folder: string): LedgerRecord[] {
  return [...readLedger(folderStorage(folder, false))].map(({ record }) => record);
}

/** Those of `kind`. */
export function keptOf<Kind extends LedgerRecord["kind"]>(folder: string, kind: Kind): OfKind<Kind>[] {
  return allKept(folder).filter((record): record is OfKind<Kind> => record.kind === kind);
}

/** Gaps, without checkpoints, which have the same kind. */
export function keptGaps(folder: string): GapRecord[] {
  return keptOf(folder, "gap").filter(({ checkpoint }) => checkpoint === undefined);
}
