// The kinds of record a ledger holds. A record's place in the log is its offset; everything else in it is a value
// that replays the same on any machine.

import type { ProxyConfig } from "../kube/proxy_config.ts";
import type { WatchEvent } from "../kube/objects.ts";

/** Place of a record in a ledger: 0, 1, 2 ... without gaps. */
export type Offset = number & { readonly __brand: "Offset" };

/** `place` as an offset. */
export function offsetOf(place: number): Offset {
  return place as Offset;
}

/** What a source said about one object. */
export interface EventRecord extends WatchEvent {
  /** Discriminates the union. */
  readonly kind: "event";
}

/** Inputs of the fold that no watch delivers: who we are and how we are set up. Written at start and on change. */
export interface ConfigRecord {
  /** Discriminates the union. */
  readonly kind: "config";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Version of the program that wrote it. */
  readonly version: string;
  /** Name of the own Node object; "" when none was given. */
  readonly nodeName: string;
  /** What decides where packets go; absent in ledgers of version 0.1.0, which knew only the defaults. */
  readonly proxy?: ProxyConfig;
}

/** One element change of a commit and the event that caused it, in nft's words. */
export interface CommittedChange {
  /** What was done to the element. */
  readonly verb: "add" | "delete";
  /** `ip ledgerproxy service-ips`. */
  readonly set: string;
  /** Names the object. */
  readonly key: string;
  /** The object, or null when it does not exist. */
  readonly value?: string;
  /** For people, at most 127 bytes. */
  readonly comment?: string;
  /** Offset of the record that caused the change. */
  readonly cause: number;
}

/** What was sent to the kernel for the records up to and including `through`, and what the kernel said. */
export interface CommitRecord {
  /** Discriminates the union. */
  readonly kind: "commit";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** First offset after the previous commit's `through`. */
  readonly from: number;
  /** Last record folded into this commit. */
  readonly through: number;
  /** Digest of the ruleset after it, lower-case hex. */
  readonly digest: string;
  /** Version of the fold that made it (FOLD_VERSION); absent up to 0.6.0. */
  readonly fold?: number;
  /** What the kernel said. */
  readonly outcome: "committed" | "rejected";
  /** The kernel's error when rejected. */
  readonly error?: string;
  /** When rejected: `namespace/name` of the Service that the kernel would not take and that is left out from now on. */
  readonly setAside?: string;
  /** What was changed. */
  readonly changes: readonly CommittedChange[];
  /** Changes left out of `changes` because there were more than the limit for one record. */
  readonly changesOmitted: number;
  /** Operations sent, the static skeleton and the position included. */
  readonly operations: number;
  /** Time in the kernel in microseconds. */
  readonly microseconds: number;
  /** nf_tables generation id that the commit made; an earlier one where another process committed in the same moment. */
  readonly generation: number;
}

/**
 * What another program changed in our tables; or, with process `API server` and 0 for its id, a list that contradicts so
 * much of what is known that it is not taken before another one confirms it.
 */
export interface DriftRecord {
  /** Discriminates the union. */
  readonly kind: "drift";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Name of the process that did it. */
  readonly process: string;
  /** Its process id. */
  readonly pid: number;
  /** What was changed. */
  readonly changes: readonly string[];
  /** What this program did about it. */
  readonly response: string;
}

/**
 * Offsets that could not be written (full disk, I/O error), once writing works again; with no `records`, a fault of this
 * program that may have left something out.
 */
export interface GapRecord {
  /** Discriminates the union. */
  readonly kind: "gap";
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Why, for people. */
  readonly reason: string;
  /** Records that were folded but could not be written. */
  readonly records: number;
  /** Where a ledger stands for a damaged one, as its first record: what is known of the past. Since 0.7.0. */
  readonly salvaged?: SalvagedPast;
}

/** What the records behind a gap bring of a damaged ledger. */
export interface SalvagedPast {
  /** Offset behind the snapshot that was used; null where none was whole. */
  readonly snapshot: number | null;
  /** Whole records behind that snapshot, or behind what is lost. */
  readonly records: number;
  /** Whether they reach back to the beginning or to the snapshot; objects may be missing where they do not. */
  readonly complete: boolean;
  /** Whether rules were made from it. */
  readonly committed: boolean;
}

/** Any record. */
export type LedgerRecord = EventRecord | ConfigRecord | CommitRecord | DriftRecord | GapRecord;

/** Records that change the desired ruleset. */
export type InputRecord = EventRecord | ConfigRecord;
