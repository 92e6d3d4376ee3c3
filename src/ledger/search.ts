// What a search of a ledger looks for.

import type { LedgerRecord } from "./record.ts";

/** A record matches when every field that is given matches. */
export interface Search {
  /** `namespace/name` of a Service. */
  readonly service?: string;
  /** Name of a namespace. */
  readonly namespace?: string;
  /** Canonical text of the IP address of an endpoint or a Service. */
  readonly address?: string;
  /** Kind of record. */
  readonly kind?: LedgerRecord["kind"];
  /** Earliest time of a record in milliseconds since 1970. */
  readonly since?: number;
  /** Latest time of a record in milliseconds since 1970. */
  readonly until?: number;
}
