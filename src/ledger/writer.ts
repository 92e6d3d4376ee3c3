// The single writer of a ledger. A crash at any instant leaves a prefix of what was appended. A disk that fails does not
// stop the caller: records wait in memory, with their offsets and chain, and are written when it works again.

import { randomBytes } from "node:crypto";
import { UNWRITTEN_BYTES_MAX } from "../limits.ts";
import { type Age, ageBehind, NEWBORN } from "./age.ts";
import { encodeRecord, genesisChain } from "./format.ts";
import type { LedgerRecord, Offset } from "./record.ts";
import { type LedgerEnd, readSegments, type TornTail } from "./segment.ts";
import { SegmentAppender } from "./segment_appender.ts";
import type { Place } from "./snapshot.ts";
import { isStorageFailure, type Storage } from "./storage.ts";

/** When appended records are made durable: with every append, when {@link LedgerWriter.sync} is called, or never. */
export type SyncPolicy = "always" | "interval" | "never";

/** Another process writes to this ledger. */
export class LedgerLocked extends Error {
  override readonly name = "LedgerLocked";

  constructor(path: string, heldBy: string) {
    super(`ledger ${path} is being written by ${heldBy}: stop it, or use another folder with --ledger`);
  }
}

/** More waits to be written than memory is given for. */
export class LedgerOverflow extends Error {
  override readonly name = "LedgerOverflow";

  constructor(path: string, { records, reason }: LedgerFailure) {
    super(
      `ledger ${path}: ${records} records could not be written (${reason}), and no more are kept in memory`,
    );
  }
}

/** Why records wait in memory. */
export interface LedgerFailure {
  /** The system's words. */
  readonly reason: string;
  /** How many wait. */
  readonly records: number;
}

/** How a writer is opened. */
export interface WriterOptions {
  readonly policy: SyncPolicy;
  /** Size in bytes at which a segment is closed; SEGMENT_BYTES unless a test says otherwise. */
  readonly segmentBytes?: number;
  /** Bytes that may wait in memory; UNWRITTEN_BYTES_MAX unless a test says otherwise. */
  readonly unwrittenBytes?: number;
  /** Id of a ledger made anew, 16 hex digits; drawn unless a test says otherwise. */
  readonly ledger?: string;
  /** What is known already: records before it are not read. */
  readonly behind?: Place;
  /** Called with every record that is there already, in order. */
  readonly onRecord?: (offset: Offset, record: LedgerRecord) => void;
}

/** Holds the lock and the last segment of one ledger; dispose of it to release both. */
export class LedgerWriter implements Disposable {
  readonly #options: WriterOptions;
  readonly #segments: SegmentAppender;
  readonly #encoder = new TextEncoder();
  #lock: Disposable | undefined;
  #age: Age;
  #failure: string | undefined;
  #closed = false;
  /** Where it is kept. */
  readonly storage: Storage;
  /** Id of the ledger. */
  readonly ledger: string;
  /** The tail that was cut off when the ledger was opened. */
  readonly torn: TornTail | undefined;

  /**
   * Opens the ledger in `storage`, or makes one; cuts a torn tail back to the last whole record. Throws
   * {@link LedgerLocked}, LedgerDamage, or the storage's own error where the ledger cannot be read.
   */
  constructor(storage: Storage, options: WriterOptions) {
    this.storage = storage;
    this.#options = options;
    this.#age = options.behind?.age ?? NEWBORN;
    this.attempt(() => this.#takeLock());
    try {
      const end = this.#recover();
      this.ledger = end?.ledger ?? options.ledger ?? randomBytes(8).toString("hex");
      const place = { next: end?.next ?? 0, chain: end?.chain ?? genesisChain(this.ledger) };
      const syncs = options.policy !== "never";
      this.#segments = new SegmentAppender(storage, { ...options, ledger: this.ledger, syncs }, place);
      this.torn = end?.torn;
      this.attempt(() => this.#segments.resume(end));
    } catch (error) {
      this.#lock?.[Symbol.dispose]();
      throw error;
    }
  }

  /** Offset the next record will get. */
  get next(): Offset {
    return this.#segments.end.next as Offset;
  }

  /** Why records wait in memory; undefined while none do. */
  get failure(): LedgerFailure | undefined {
    const records = this.#segments.end.next - this.#segments.written.next;
    return this.#failure === undefined ? undefined : { reason: this.#failure, records };
  }

  /** Whether every record is on the disk. */
  get synced(): boolean {
    return this.#segments.synced;
  }

  /** Whether it was disposed of. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes in the segment that is written: what a start has to read behind the newest snapshot. */
  get tailBytes(): number {
    return this.#segments.tailBytes;
  }

  /** Name of the segment that is written; undefined between two. */
  get segment(): string | undefined {
    return this.#segments.name;
  }

  /**
   * Appends `records` and returns the offset of the first. They are in the file then, or, while {@link failure} says so,
   * in memory. Throws {@link LedgerOverflow} when too much waits.
   */
  append(records: readonly LedgerRecord[]): Offset {
    const first = this.#segments.end.next;
    let lines = "";
    let { chain } = this.#segments.end;
    records.forEach((record, i) => {
      const encoded = encodeRecord(first + i, record, chain);
      lines += encoded.line;
      chain = encoded.chain;
      this.#age = ageBehind(this.#age, record);
    });
    this.#segments.push(this.#encoder.encode(lines), { next: first + records.length, chain });
    this.attempt(() => this.#write());
    if (this.#segments.waitingBytes > (this.#options.unwrittenBytes ?? UNWRITTEN_BYTES_MAX)) {
      throw new LedgerOverflow(this.storage.path, this.failure!);
    }
    if (this.#options.policy === "always") this.sync();
    return first as Offset;
  }

  /** Writes what waits, and makes it durable as the policy has it. */
  sync(): void {
    this.attempt(() => {
      this.#write();
      this.#segments.sync();
    });
  }

  /** Closes the segment, with all records so far in it and durable; returns the place behind them. */
  endSegment(): Place {
    this.#write();
    this.#segments.sync();
    this.#segments.close();
    return { ledger: this.ledger, ...this.#segments.end, age: this.#age };
  }

  /** Does `work` on the disk; the storage's failure is noted, and ends with the next work that succeeds. */
  attempt<T>(work: () => T): T | undefined {
    try {
      const result = work();
      this.#failure = undefined;
      return result;
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      this.#failure = (error as Error).message;
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.sync();
    this.#segments.close();
    this.#lock?.[Symbol.dispose]();
  }

  #write(): void {
    if (this.#lock === undefined) this.#takeLock();
    this.#segments.write();
  }

  #takeLock(): void {
    const lock = this.storage.lock();
    if ("heldBy" in lock) throw new LedgerLocked(this.storage.path, lock.heldBy);
    this.#lock = lock;
  }

  #recover(): LedgerEnd | undefined {
    const records = readSegments(this.storage, { behind: this.#options.behind, proven: true });
    for (;;) {
      const { done, value } = records.next();
      if (done) return value;
      this.#age = ageBehind(this.#age, value.record);
      this.#options.onRecord?.(value.offset as Offset, value.record);
    }
  }
}
