// The single writer of a ledger. What append returned for is in the file (and, by policy, on the disk); a crash at any
// instant leaves a prefix of what was appended.

import { randomBytes } from "node:crypto";
import { SEGMENT_BYTES } from "../limits.ts";
import { encodeHeader, encodeRecord, genesisChain, segmentName } from "./format.ts";
import type { LedgerRecord, Offset } from "./record.ts";
import { type LedgerEnd, readSegments, type TornTail } from "./segment.ts";
import type { AppendFile, Storage } from "./storage.ts";

/** When appended records are made durable: with every append, when {@link LedgerWriter.sync} is called, or never. */
export type SyncPolicy = "always" | "interval" | "never";

/** Another process writes to this ledger. */
export class LedgerLocked extends Error {
  override readonly name = "LedgerLocked";

  constructor(path: string, heldBy: string) {
    super(`ledger ${path} is being written by ${heldBy}: stop it, or use another folder with --ledger`);
  }
}

/** How a writer is opened. */
export interface WriterOptions {
  readonly policy: SyncPolicy;
  /** Size in bytes at which a segment is closed; SEGMENT_BYTES unless a test says otherwise. */
  readonly segmentBytes?: number;
  /** Id of a ledger made anew, 16 hex digits; drawn unless a test says otherwise. */
  readonly ledger?: string;
  /** Called with every record that is there already, in order. */
  readonly onRecord?: (offset: Offset, record: LedgerRecord) => void;
}

/** Holds the lock and the last segment of one ledger; dispose of it to release both. */
export class LedgerWriter implements Disposable {
  readonly #storage: Storage;
  readonly #lock: Disposable;
  readonly #options: WriterOptions;
  readonly #ledger: string;
  readonly #encoder = new TextEncoder();
  #file: AppendFile | undefined;
  /** Name of the segment that is open. */
  #name = "";
  #size = 0;
  #next = 0;
  #chain: string;
  #unsynced = false;
  /** The tail that was cut off when the ledger was opened. */
  readonly torn: TornTail | undefined;

  /**
   * Opens the ledger in `storage`, or makes one; cuts a torn tail back to the last whole record. Throws
   * {@link LedgerLocked}, LedgerDamage, or the storage's own error.
   */
  constructor(storage: Storage, options: WriterOptions) {
    this.#storage = storage;
    this.#options = options;
    const lock = storage.lock();
    if ("heldBy" in lock) throw new LedgerLocked(storage.path, lock.heldBy);
    this.#lock = lock;
    try {
      const end = this.#recover();
      this.#ledger = end?.ledger ?? options.ledger ?? randomBytes(8).toString("hex");
      this.#chain = end?.chain ?? genesisChain(this.#ledger);
      this.#next = end?.next ?? 0;
      this.torn = end?.torn;
      this.#open(end);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** Id of the ledger. */
  get ledger(): string {
    return this.#ledger;
  }

  /** Offset the next record will get. */
  get next(): Offset {
    return this.#next as Offset;
  }

  /** Appends `records` with one write and returns the offset of the first. Throws the storage's error. */
  append(records: readonly LedgerRecord[]): Offset {
    const first = this.#next;
    let lines = "";
    let chain = this.#chain;
    records.forEach((record, i) => {
      const encoded = encodeRecord(first + i, record, chain);
      lines += encoded.line;
      chain = encoded.chain;
    });
    if (this.#size >= (this.#options.segmentBytes ?? SEGMENT_BYTES)) this.#rotate();
    const bytes = this.#encoder.encode(lines);
    this.#write(bytes);
    this.#size += bytes.length;
    this.#next = first + records.length;
    this.#chain = chain;
    this.#unsynced = true;
    if (this.#options.policy === "always") this.sync();
    return first as Offset;
  }

  /**
   * Makes all appended records durable; does nothing when they are. After a failure the file is given up, as its pages
   * may be lost while the kernel calls them clean: the next append starts a new segment.
   */
  sync(): void {
    if (!this.#unsynced || this.#options.policy === "never") return;
    this.#unsynced = false;
    try {
      this.#file?.sync();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    try {
      this.sync();
    } finally {
      this.#close();
      this.#lock[Symbol.dispose]();
    }
  }

  #recover(): LedgerEnd | undefined {
    const records = readSegments(this.#storage);
    for (;;) {
      const { done, value } = records.next();
      if (done) return value;
      this.#options.onRecord?.(value.offset as Offset, value.record);
    }
  }

  /** Continues the last segment, without its torn tail. */
  #open(end: LedgerEnd | undefined): void {
    if (end === undefined) return;
    const torn = end.torn;
    if (torn !== undefined) this.#storage.truncate(torn.file, torn.keep);
    if (torn?.keep === 0) return this.#begin(torn.file, false);
    this.#file = this.#storage.append(end.segment, false);
    this.#name = end.segment;
    this.#size = this.#storage.size(end.segment);
  }

  /** After a failed write what was written of it is taken back, and the next append starts a new segment. */
  #write(bytes: Uint8Array): void {
    if (this.#file === undefined) {
      const name = segmentName(this.#next);
      const exists = this.#storage.names().includes(name);
      if (exists) this.#storage.truncate(name, 0);
      this.#begin(name, !exists);
    }
    try {
      this.#file!.write(bytes);
    } catch (error) {
      this.#storage.truncate(this.#name, this.#size);
      this.#close();
      throw error;
    }
  }

  /** Starts a segment: its header and its name are durable before any record is. */
  #begin(name: string, create: boolean): void {
    const file = this.#storage.append(name, create);
    const header = this.#encoder.encode(
      encodeHeader({ ledger: this.#ledger, first: this.#next, chain: this.#chain }),
    );
    file.write(header);
    if (this.#options.policy !== "never") {
      file.sync();
      this.#storage.syncFolder();
    }
    this.#file = file;
    this.#name = name;
    this.#size = header.length;
  }

  #rotate(): void {
    this.sync();
    this.#close();
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#size = 0;
    this.#unsynced = false;
  }
}
