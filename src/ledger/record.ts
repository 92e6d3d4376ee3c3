// The kinds of record in a ledger. The place of a record is its offset. Everything else in it is a plain value, so that a
// replay on any machine gives the same result.

import { assert } from "../invariant.ts";
import type { ServiceBounds } from "../kube/bounds.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";
import type { WatchEvent } from "../kube/objects.ts";

/** Place of a record in a ledger: 0, 1, 2 ... without gaps. */
export type Offset = number & { readonly __brand: "Offset" };

/** Whether `value` can be the offset of a record. */
export function isOffset(value: unknown): value is Offset {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** The offset in the name of a file, in 20 decimal digits; undefined for digits that are no offset. */
export function namedOffset(digits: string | undefined): Offset | undefined {
  const place = digits === undefined ? undefined : Number(digits);
  return isOffset(place) ? place : undefined;
}

/** `place` as an offset. Throws InvariantError where it is negative or no whole number. */
export function offsetOf(place: number): Offset {
  // No function makes the message here: this runs for each record that is read.
  assert(isOffset(place), "an offset is a whole number that is not negative");
  return place;
}

/** A change of one object, as the source reported it. */
export interface EventRecord extends WatchEvent {
  /** Discriminates the union. */
  readonly kind: "event";
}

/** Inputs of the fold that no watch delivers: the node's name and the configuration. Written at a start and on change. */
export interface ConfigRecord {
  /** Discriminates the union. */
  readonly kind: "config";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Version of the program that wrote the record. */
  readonly version: string;
  /** Name of the own Node object; "" when none was given. */
  readonly nodeName: string;
  /** Settings that decide where packets go. Absent in ledgers of version 0.1.0, which had only the defaults. */
  readonly proxy?: ProxyConfig;
  /** Bounds on what a Service may cost. Absent up to 0.6.0, and where no rules are made: then there are none. */
  readonly bounds?: ServiceBounds;
}

/** One changed element of a commit, in nft's terms, and the record that caused the change. */
export interface CommittedChange {
  /** Whether the element was added or deleted. */
  readonly verb: "add" | "delete";
  /** Path of the set or map: `ip ledgerproxy service-ips`. */
  readonly set: string;
  /** Key of the element. */
  readonly key: string;
  /** Value of a map's element; absent for the element of a set. */
  readonly value?: string;
  /** The element's comment: the ServicePort that it is for, at most 127 bytes. */
  readonly comment?: string;
  /** Offset of the record that caused the change. */
  readonly cause: number;
}

/** The changes that were sent to the kernel for the records up to and including `through`, and the kernel's answer. */
export interface CommitRecord {
  /** Discriminates the union. */
  readonly kind: "commit";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** First offset after the previous commit's `through`. */
  readonly from: number;
  /** Last record folded into this commit. */
  readonly through: number;
  /** Digest of the ruleset after the commit, lower-case hex. */
  readonly digest: string;
  /** Version of the fold that made the ruleset (FOLD_VERSION); absent up to 0.6.0. */
  readonly fold?: number;
  /** The kernel's answer. */
  readonly outcome: "committed" | "rejected";
  /** The kernel's error when rejected. */
  readonly error?: string;
  /** When rejected: `namespace/name` of the Service whose rules the kernel rejected. It is set aside from now on. */
  readonly setAside?: string;
  /** Set where one step of the rules that wait (`fold/steps.ts`) was made right after this commit. Since 0.7.0. */
  readonly advances?: true;
  /** How many changes were left for later commits; absent for none. Since 0.7.0. */
  readonly left?: number;
  /** The changed elements. */
  readonly changes: readonly CommittedChange[];
  /** How many changed elements `changes` leaves out, because a record has a limit. */
  readonly changesOmitted: number;
  /** How many operations were sent, including those of the skeleton and the position. */
  readonly operations: number;
  /** Time that the kernel took, in microseconds. */
  readonly microseconds: number;
  /** nf_tables generation id of the commit. Of a large commit it may be too low, where another process committed at the same time. */
  readonly generation: number;
}

/**
 * Changes of our tables by another program. With process `API server` and process id 0: a list that would remove so much
 * that it is applied only after a second list confirmed it.
 */
export interface DriftRecord {
  /** Discriminates the union. */
  readonly kind: "drift";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Name of the process that made the changes; `ledgerproxy cleanup` where an administrator removed the rules. */
  readonly process: string;
  /** Its process id. */
  readonly pid: number;
  /** The changes, as text for people. */
  readonly changes: readonly string[];
  /** How this program responded, as text for people. */
  readonly response: string;
}

/**
 * The ledger may not hold everything that happened before this record, for one of three reasons: the kernel holds rules of
 * records that were lost from the disk; with `records` 0, a fault of this program; with `salvaged`, an older ledger was
 * damaged and this one replaces it. With `checkpoint` nothing is missing: it signs the records before it (checkpoint.ts).
 */
export interface GapRecord {
  /** Discriminates the union. */
  readonly kind: "gap";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Why, for people. */
  readonly reason: string;
  /** How many records were folded and are not in the ledger. */
  readonly records: number;
  /** In the first record of a ledger that replaces a damaged one: what was recovered of the past. Since 0.7.0. */
  readonly salvaged?: SalvagedPast;
  /** A signed note of how the ledger was before this record. Since 0.7.0. */
  readonly checkpoint?: string;
}

/** What a new ledger takes over from the damaged one that it replaces. */
export interface SalvagedPast {
  /** Offset of the first record after the snapshot that was used; null where no snapshot was whole. */
  readonly snapshot: number | null;
  /** How many whole records after the snapshot, or after the lost ones, were used. */
  readonly records: number;
  /** Whether these records follow the snapshot, or the beginning, without a gap. If not, objects may be missing. */
  readonly complete: boolean;
  /** Whether rules were made and committed from it. */
  readonly committed: boolean;
}

/** A record of any kind. */
export type LedgerRecord = EventRecord | ConfigRecord | CommitRecord | DriftRecord | GapRecord;
