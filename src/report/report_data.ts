// What a report's page is given: the state at the beginning of its window, as a snapshot, and the records of the window.
// The page folds it again, so that nothing is on it that the ledger does not say.

import type { SnapshotLine } from "../fold/snapshot.ts";
import type { LedgerRecord } from "../ledger/record.ts";

/** Everything that is embedded in a page. */
export interface ReportData {
  /** Version of the program that wrote it. */
  readonly version: string;
  /** Id of the ledger, 16 hex digits. */
  readonly ledger: string;
  /** Name of the own node; "" where none was given. */
  readonly node: string;
  /** Offset of the first record of the window. */
  readonly first: number;
  /** The state before it; empty where the window begins with the ledger. */
  readonly snapshot: readonly SnapshotLine[];
  /** Records before the window that made elements of that state what they are. */
  readonly causes: readonly EarlierCause[];
  /** The window, without gaps. */
  readonly records: readonly LedgerRecord[];
  /** What of the ledger is not in the window. */
  readonly leftOut: LeftOut;
}

/** A record before the window. */
export interface EarlierCause {
  readonly offset: number;
  /** `EndpointSlice shop/web-a`. */
  readonly what: string;
  /** RFC 3339; "" where the record is not kept any more. */
  readonly time: string;
  readonly resourceVersion?: string;
}

/** What of a ledger a page does not show. */
export interface LeftOut {
  /** Records that are kept before the window, and behind it. */
  readonly before: number;
  readonly after: number;
  /** When the oldest record that is kept was written, and the newest: RFC 3339. */
  readonly oldest: string;
  readonly newest: string;
}

/** `record` without what no page needs; digests do not compress. */
export function forPage(record: LedgerRecord): LedgerRecord {
  return record.kind === "commit" ? { ...record, digest: "" } : record;
}
