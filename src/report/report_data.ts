// The data of a report's page: a snapshot of the state before its window, and the records of the window. The page folds
// them with the same code as the proxy. Why not precomputed results: a reader can go to any moment, and the results for
// all moments are larger than the records.

import { type SnapshotLine, snapshotLines } from "../fold/snapshot.ts";
import type { Cause } from "../history/cause.ts";
import type { Outage } from "../history/outages.ts";
import type { OutsideWindow, Window } from "../history/window.ts";
import type { LedgerRecord } from "../ledger/record.ts";

/** All data in a page. */
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
  /** Records before the window that are causes of elements of that state. */
  readonly causes: readonly EarlierCause[];
  /** The records of the window, one for each offset. */
  readonly records: readonly LedgerRecord[];
  /** The records of the ledger that are not in the window. */
  readonly leftOut: OutsideWindow;
  /** When ports of Services had no endpoint, in the window. */
  readonly outages: readonly Outage[];
  /** Whether a program serves the page and sends what is written from now on. */
  readonly live?: true;
}

/** What a program that serves a page sends when records were written. */
export interface ReportGrowth {
  /** The records after those that the page has. */
  readonly records: readonly LedgerRecord[];
  /** The outages of the window and these records. */
  readonly outages: readonly Outage[];
}

/** A record before the window that is a cause. */
export interface EarlierCause {
  readonly offset: number;
  /** `EndpointSlice shop/web-a`. */
  readonly what: string;
  /** RFC 3339; "" where retention removed the record. */
  readonly time: string;
  readonly resourceVersion?: string;
}

/** The data of a page that shows `window`, with its `outages`, of the ledger with this id, written by this version of the program. */
export function reportData(
  { first, records, state, causes, node, leftOut }: Window,
  ledger: string,
  version: string,
  outages: readonly Outage[] = [],
): ReportData {
  return {
    version,
    ledger,
    node,
    first,
    snapshot: state === undefined ? [] : [...snapshotLines(state)],
    causes: causes.map(earlierCause),
    records: records.map(forPage),
    leftOut,
    outages,
  };
}

/** A cause without the fields that the page does not show. */
function earlierCause({ offset, what, time, resourceVersion }: Cause): EarlierCause {
  return { offset, what, time, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}

/** `record` without its digest: a page does not use it, and it does not compress. */
function forPage(record: LedgerRecord): LedgerRecord {
  return record.kind === "commit" ? { ...record, digest: "" } : record;
}
