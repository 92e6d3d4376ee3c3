// What the program and the writer of its ledger send each other. Every message belongs to a session: one
// opening of the ledger. Messages of an older session are ignored on both sides.

import type { Age } from "./age.ts";
import type { Counters } from "./counters.ts";
import type { WholeFile } from "./disk_folder.ts";
import type { DiskOptions } from "./disk_writer.ts";
import type { Behind } from "./record_encoder.ts";
import type { KeptPast, Retention } from "./retention.ts";
import type { LedgerEnd } from "./segment.ts";
import type { Place } from "./snapshot.ts";

/** A file of the ledger. */
export interface LoadedFile {
  readonly name: string;
  /** Undefined where it was not read. `size`: of the file, in bytes; only its beginning may have been read. */
  readonly content?: { readonly size: number; readonly bytes: Uint8Array };
}

/** What the writer is asked for. */
export type DiskRequest =
  /** Take the lock and read what a start needs; answered by `opened` or `refused`. */
  | { readonly kind: "open"; readonly path: string; readonly options: DiskOptions }
  /** Read these files too; answered by `contents` or `refused`. */
  | { readonly kind: "read"; readonly names: readonly string[] }
  /** Set all files aside in a folder `name`, and begin a ledger with the segment `first`; answered by `contents` or `refused`. */
  | { readonly kind: "set-aside"; readonly name: string; readonly first: WholeFile }
  /** Write a small file and remove it; answered by `contents`, which has none, or `refused`. */
  | { readonly kind: "try-write" }
  /** Continue the ledger after `end`. `counters` are kept up to date from then on. */
  | {
    readonly kind: "begin";
    readonly ledger: string;
    readonly place: Place;
    readonly end: LedgerEnd | undefined;
    readonly counters: Counters;
  }
  /** Append lines, the first of which has offset `first`. */
  | {
    readonly kind: "append";
    readonly first: number;
    readonly lines: Uint8Array;
    readonly end: Behind;
  }
  /** Make everything durable: the records before `next`. */
  | { readonly kind: "sync"; readonly next: number }
  /** Remove files that no start needs. */
  | { readonly kind: "remove"; readonly names: readonly string[] }
  /** Make everything durable, then remove what a cut before `from` left behind it. */
  | { readonly kind: "remove-behind"; readonly from: number }
  /** Close the segment: a snapshot of the state at `place` follows in pieces of text, and then its end. */
  | { readonly kind: "snapshot"; readonly place: Place }
  | { readonly kind: "piece"; readonly text: string }
  | { readonly kind: "snapshot-end"; readonly retention: Retention }
  /** Where the disk has no room, remove what is beyond `retention`; `age` is that of the ledger. */
  | { readonly kind: "free-room"; readonly retention: Retention; readonly age: Age }
  /** Make everything durable and release the lock; answered by `closed`. */
  | { readonly kind: "close" };

/** What the writer reports. */
export type DiskReport =
  | { readonly kind: "opened"; readonly files: readonly LoadedFile[] }
  /** The ledger cannot be opened, or the disk refuses what was asked for. `heldBy`: another process has the lock. */
  | { readonly kind: "refused"; readonly reason: string; readonly heldBy?: string }
  | { readonly kind: "contents"; readonly files: readonly LoadedFile[] }
  /** How far back the ledger reaches: at the start, and after each removal. */
  | { readonly kind: "past"; readonly past: KeptPast }
  /** The disk began to fail, or works again: then `reason` is undefined. */
  | { readonly kind: "disk"; readonly reason: string | undefined }
  /** Another program had removed or replaced the open segment; it is written again. */
  | { readonly kind: "restored"; readonly segment: string }
  /** The session has ended: nothing more is written in it. */
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "closed" };

/** A message to the writer. */
export type ToDisk = DiskRequest & { readonly session: number };

/** A message from the writer. */
export type FromDisk = DiskReport & { readonly session: number };
