// The only writer of a ledger. After a crash at any moment the ledger holds a prefix of the appended records. When the disk
// fails, the caller goes on: records wait in memory, with their offsets and hash chain, and are written once the disk works.

import { randomBytes } from "node:crypto";
import { messageOf } from "../thrown.ts";
import { UNWRITTEN_BYTES_MAX } from "../limits.ts";
import { type Age, ageBehind, NEWBORN } from "./age.ts";
import { encodeRecord, genesisChain } from "./format.ts";
import { type LedgerRecord, type Offset, offsetOf } from "./record.ts";
import { type LedgerEnd, readSegments, type TornTail } from "./segment.ts";
import { SegmentAppender } from "./segment_appender.ts";
import type { Place } from "./snapshot.ts";
import { isStorageFailure, type Storage } from "./storage.ts";

/** When appended records become durable: with each append, when {@link LedgerWriter.sync} is called, or never. */
export type SyncPolicy = "always" | "interval" | "never";

/** Another process is the writer of this ledger. */
export class LedgerLocked extends Error {
  override readonly name = "LedgerLocked";

  constructor(path: string, heldBy: string) {
    super(`ledger ${path} is being written by ${heldBy}: stop it, or use another folder with --ledger`);
  }
}

/** More bytes wait for the disk than may wait in memory. */
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
  /** The system's error message. */
  readonly reason: string;
  /** How many records wait. */
  readonly records: number;
}

/** How to open a writer. */
export interface WriterOptions {
  readonly policy: SyncPolicy;
  /** Size in bytes at which a segment is closed; SEGMENT_BYTES unless a test says otherwise. */
  readonly segmentBytes?: number;
  /** Bytes that may wait in memory; UNWRITTEN_BYTES_MAX unless a test says otherwise. */
  readonly unwrittenBytes?: number;
  /** Id of a new ledger, 16 hex digits; drawn at random unless a test says otherwise. */
  readonly ledger?: string;
  /** Place of a snapshot that the caller has loaded. Records before it are not read. */
  readonly behind?: Place;
  /** Called with each record that the ledger has already, in order. */
  readonly onRecord?: (offset: Offset, record: LedgerRecord) => void;
}

/** Holds the lock and the last segment of a ledger; dispose of it to release both. */
export class LedgerWriter implements Disposable {
  readonly #options: WriterOptions;
  readonly #segments: SegmentAppender;
  readonly #encoder = new TextEncoder();
  #lock: Disposable | undefined;
  #age: Age;
  #failure: string | undefined;
  #closed = false;
  /** Where the ledger is kept. */
  readonly storage: Storage;
  /** Id of the ledger. */
  readonly ledger: string;
  /** The torn tail that was cut off when the ledger was opened; undefined where there was none. */
  readonly torn: TornTail | undefined;

  /**
   * Opens the ledger in `storage`, or makes a new one, and cuts off a torn tail. Throws {@link LedgerLocked}, LedgerDamage, or
   * the storage's own error where the ledger cannot be read.
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

  /** Offset of the next record. */
  get next(): Offset {
    return offsetOf(this.#segments.end.next);
  }

  /** Why records wait in memory; undefined while no record has to. */
  get failure(): LedgerFailure | undefined {
    const records = this.#segments.end.next - this.#segments.written.next;
    return this.#failure === undefined ? undefined : { reason: this.#failure, records };
  }

  /** Whether every record is durable. */
  get synced(): boolean {
    return this.#segments.synced;
  }

  /** Offset of the first record that may not be durable. */
  get durable(): number {
    return this.#segments.durable;
  }

  /** Place after the last record. */
  get place(): Place {
    return { ledger: this.ledger, ...this.#segments.end, age: this.#age };
  }

  /** Whether the writer was disposed of. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Size of the open segment in bytes. A start has to read about as much after the newest snapshot. */
  get tailBytes(): number {
    return this.#segments.tailBytes;
  }

  /** Name of the open segment; undefined between two segments. */
  get segment(): string | undefined {
    return this.#segments.name;
  }

  /**
   * Appends `records` and returns the offset of the first. Afterwards they are in the file, or, while there is a
   * {@link failure}, in memory. Throws {@link LedgerOverflow} when too many bytes wait.
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
    return offsetOf(first);
  }

  /** Writes the waiting records and makes all records durable, except with the policy `never`. */
  sync(): void {
    this.attempt(() => {
      this.#write();
      this.#segments.sync();
    });
  }

  /** Makes all records durable, closes the segment, and returns the place after the last record. */
  endSegment(): Place {
    this.#write();
    this.#segments.sync();
    this.#segments.close();
    return this.place;
  }

  /** Runs `work` on the disk. Where the disk fails, {@link failure} says so until the next work succeeds. */
  attempt<T>(work: () => T): T | undefined {
    try {
      const result = work();
      this.#failure = undefined;
      return result;
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      this.#failure = messageOf(error);
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

  /** Reads the records that are there; returns the end of the ledger. */
  #recover(): LedgerEnd | undefined {
    const records = readSegments(this.storage, { behind: this.#options.behind, proven: true });
    for (;;) {
      const { done, value } = records.next();
      if (done) return value;
      this.#age = ageBehind(this.#age, value.record);
      this.#options.onRecord?.(value.offset, value.record);
    }
  }
}
