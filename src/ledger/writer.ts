// The single writer of a ledger. A crash at any instant leaves a prefix of what was appended. A disk that fails does not
// stop the caller: records wait in memory, with their offsets and chain, and are written when it works again.

import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { SEGMENT_BYTES, UNWRITTEN_BYTES_MAX } from "../limits.ts";
import { COMPRESSED, encodeHeader, encodeRecord, genesisChain, segmentFirst, segmentName } from "./format.ts";
import type { LedgerRecord, Offset } from "./record.ts";
import { compressInSteps, inPieces } from "./compression.ts";
import { replaceByCompressed, retain, type Retention, uncompressed } from "./retention.ts";
import { type LedgerEnd, readSegments, type TornTail } from "./segment.ts";
import { encodeSnapshot, type Place, snapshotName, snapshotPieces } from "./snapshot.ts";
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

/** A place in this ledger. */
type Behind = Omit<Place, "ledger">;

/** The segment that is open. */
interface OpenSegment {
  readonly name: string;
  readonly file: AppendFile;
  /** Bytes in it. */
  size: number;
}

/** Holds the lock and the last segment of one ledger; dispose of it to release both. */
export class LedgerWriter implements Disposable {
  readonly #storage: Storage;
  readonly #options: WriterOptions;
  readonly #ledger: string;
  readonly #encoder = new TextEncoder();
  #lock: Disposable | undefined;
  #segment: OpenSegment | undefined;
  /** Behind the last record appended. */
  #end: Behind;
  /** Behind the last record in a file. */
  #written: Behind;
  /** Behind the last record on the disk, and the size of its segment there. */
  #durable: Behind & { readonly size: number };
  /** Lines that are in a file and not durable, in case that file is given up. */
  #unsynced: Uint8Array[] = [];
  /** Lines that are in no file. */
  #waiting: Uint8Array[] = [];
  /** What a failed write left in a file, to be cut off before anything else is written. */
  #cut: { readonly name: string; readonly size: number } | undefined;
  /** The last segment of the process before, until all of it is on the disk. */
  #unproven: string | undefined;
  #failure: string | undefined;
  #disposed = false;
  /** The tail that was cut off when the ledger was opened. */
  readonly torn: TornTail | undefined;

  /**
   * Opens the ledger in `storage`, or makes one; cuts a torn tail back to the last whole record. Throws
   * {@link LedgerLocked}, LedgerDamage, or the storage's own error where the ledger cannot be read.
   */
  constructor(storage: Storage, options: WriterOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#attempt(() => this.#takeLock());
    try {
      const end = this.#recover();
      this.#ledger = end?.ledger ?? options.ledger ?? randomBytes(8).toString("hex");
      this.#end = { next: end?.next ?? 0, chain: end?.chain ?? genesisChain(this.#ledger) };
      this.#written = this.#end;
      this.#durable = { ...this.#end, size: 0 };
      this.torn = end?.torn;
      this.#attempt(() => this.#open(end));
    } catch (error) {
      this.#lock?.[Symbol.dispose]();
      throw error;
    }
  }

  /** Id of the ledger. */
  get ledger(): string {
    return this.#ledger;
  }

  /** Offset the next record will get. */
  get next(): Offset {
    return this.#end.next as Offset;
  }

  /** Why records wait in memory; undefined while none do. */
  get failure(): LedgerFailure | undefined {
    const records = this.#end.next - this.#written.next;
    return this.#failure === undefined ? undefined : { reason: this.#failure, records };
  }

  /** Whether every record is on the disk. */
  get synced(): boolean {
    return this.#durable.next === this.#end.next && this.#unproven === undefined;
  }

  /**
   * Appends `records` and returns the offset of the first. They are in the file then, or, while {@link failure} says so,
   * in memory. Throws {@link LedgerOverflow} when too much waits.
   */
  append(records: readonly LedgerRecord[]): Offset {
    const first = this.#end.next;
    let lines = "";
    let { chain } = this.#end;
    records.forEach((record, i) => {
      const encoded = encodeRecord(first + i, record, chain);
      lines += encoded.line;
      chain = encoded.chain;
    });
    const bytes = this.#encoder.encode(lines);
    this.#end = { next: first + records.length, chain };
    this.#waiting.push(bytes);
    this.#attempt(() => this.#write());
    if (size(this.#waiting) > (this.#options.unwrittenBytes ?? UNWRITTEN_BYTES_MAX)) {
      throw new LedgerOverflow(this.#storage.path, this.failure!);
    }
    if (this.#options.policy === "always") this.sync();
    return first as Offset;
  }

  /** Writes what waits, and makes it durable as the policy has it. */
  sync(): void {
    this.#attempt(() => {
      this.#write();
      if (this.#unsynced.length > 0) this.#makeDurable();
    });
  }

  /** Bytes in the segment that is written: what a start has to read behind the newest snapshot. */
  get tailBytes(): number {
    return this.#segment?.size ?? 0;
  }

  /**
   * Writes `lines`, the state that all records so far make, as a snapshot, and closes the segment; closed ones are
   * compressed, and those beyond `retention` removed. What the disk refuses is left for the next time.
   */
  snapshot(lines: Iterable<unknown>, retention: Retention, now: number): void {
    this.#attempt(() => {
      const place = this.#endSegment();
      this.#writeSnapshot(place, encodeSnapshot(place, lines));
      for (const name of uncompressed(this.#storage)) {
        replaceByCompressed(this.#storage, name, zstdCompressSync(this.#storage.read(name)));
      }
      retain(this.#storage, retention, now);
    });
  }

  /**
   * As {@link snapshot}, in small steps between which records may be appended: `lines` must go on telling the state of
   * the call. One at a time; when the writer is disposed of, what is not finished is left.
   */
  async snapshotInSteps(lines: Iterable<unknown>, retention: Retention, now: number): Promise<void> {
    const place = this.#attempt(() => this.#endSegment());
    if (place === undefined) return;
    const snapshot = await compressInSteps(snapshotPieces(place, lines));
    this.#attempt(() => this.#disposed || this.#writeSnapshot(place, snapshot));
    const closed = this.#attempt(() => uncompressed(this.#storage)) ?? [];
    for (const name of closed.filter((name) => name !== this.#segment?.name)) {
      const bytes = this.#attempt(() => this.#storage.read(name));
      if (bytes === undefined) return;
      const compressed = await compressInSteps(inPieces(bytes));
      this.#attempt(() => this.#disposed || replaceByCompressed(this.#storage, name, compressed));
    }
    this.#attempt(() => this.#disposed || retain(this.#storage, retention, now));
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.sync();
    this.#closeSegment();
    this.#lock?.[Symbol.dispose]();
  }

  /** Does `work`; the storage's failure is noted, and ends with the next work that succeeds. */
  #attempt<T>(work: () => T): T | undefined {
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

  /** Closes the segment, with all records so far in it and durable; returns the place behind them. */
  #endSegment(): Place {
    this.#write();
    if (this.#unsynced.length > 0) this.#makeDurable();
    this.#closeSegment();
    return { ledger: this.#ledger, ...this.#end };
  }

  #writeSnapshot({ next }: Place, bytes: Uint8Array): void {
    const name = snapshotName(next);
    if (this.#storage.names().includes(name)) this.#storage.remove(name);
    this.#storage.write(name, bytes);
    this.#storage.syncFolder();
  }

  #takeLock(): void {
    const lock = this.#storage.lock();
    if ("heldBy" in lock) throw new LedgerLocked(this.#storage.path, lock.heldBy);
    this.#lock = lock;
  }

  #recover(): LedgerEnd | undefined {
    const records = readSegments(this.#storage, { behind: this.#options.behind, proven: true });
    for (;;) {
      const { done, value } = records.next();
      if (done) return value;
      this.#options.onRecord?.(value.offset as Offset, value.record);
    }
  }

  /** Continues the last segment, without its torn tail. */
  #open(end: LedgerEnd | undefined): void {
    if (end === undefined || end.segment === "") return;
    const { torn, segment: name } = end;
    if (!name.endsWith(COMPRESSED) && torn?.keep !== 0) this.#unproven = name;
    if (torn !== undefined) {
      this.#cut = { name: torn.file, size: torn.keep };
      this.#cutOff();
      // Not even its header was whole: the file is made anew by the next append.
      if (torn.keep === 0) return this.#storage.remove(torn.file);
    }
    // What is compressed is closed: the next append begins another.
    if (name.endsWith(COMPRESSED)) return;
    const size = this.#storage.size(name);
    const file = this.#storage.append(name, false);
    try {
      // The process before may have ended before it synced what it wrote.
      if (this.#options.policy !== "never") file.sync();
    } catch (error) {
      file.close();
      throw error;
    }
    this.#unproven = undefined;
    this.#segment = { name, file, size };
    this.#durable = { ...this.#durable, size };
  }

  /** Writes the lines that wait, with one call. After a failure what was written of them is taken back. */
  #write(): void {
    if (this.#lock === undefined) this.#takeLock();
    this.#cutOff();
    this.#proveTail();
    if (this.#waiting.length === 0) return;
    if ((this.#segment?.size ?? 0) >= (this.#options.segmentBytes ?? SEGMENT_BYTES)) this.#rotate();
    const segment = this.#segment ??= this.#begin();
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : concatenated(this.#waiting);
    try {
      segment.file.write(bytes);
    } catch (error) {
      this.#cut = { name: segment.name, size: segment.size };
      throw error;
    }
    segment.size += bytes.length;
    this.#written = this.#end;
    this.#waiting = [];
    if (this.#options.policy === "never") this.#noteDurable();
    else this.#unsynced.push(bytes);
  }

  /**
   * After a failed sync the file is given up, as its pages may be lost while the kernel calls them clean: all that was
   * not durable before waits again, for another file.
   */
  #makeDurable(): void {
    try {
      this.#segment?.file.sync();
    } catch (error) {
      this.#giveUp();
      throw error;
    }
    this.#noteDurable();
  }

  #giveUp(): void {
    if (this.#segment !== undefined) this.#cut = { name: this.#segment.name, size: this.#durable.size };
    this.#closeSegment();
    this.#written = this.#durable;
    this.#waiting = [...this.#unsynced, ...this.#waiting];
    this.#unsynced = [];
  }

  #noteDurable(): void {
    this.#durable = { ...this.#written, size: this.#segment?.size ?? 0 };
    this.#unsynced = [];
  }

  /** Copies the segment that could not be synced when the ledger was opened: its pages may be lost. */
  #proveTail(): void {
    if (this.#unproven === undefined) return;
    const name = this.#unproven;
    // One without records is made anew by the next append.
    if (segmentFirst(name) === this.#written.next) this.#storage.remove(name);
    else replaceByCompressed(this.#storage, name, zstdCompressSync(this.#storage.read(name)));
    this.#unproven = undefined;
  }

  /** Cuts off what a failed write or sync left. A segment of which nothing is durable goes as a whole. */
  #cutOff(): void {
    if (this.#cut === undefined) return;
    const { name, size } = this.#cut;
    this.#storage.truncate(name, size);
    this.#cut = undefined;
  }

  /** Starts a segment: its header and its name are durable before any record is. */
  #begin(): OpenSegment {
    const { next, chain } = this.#written;
    const name = segmentName(next);
    // One that was given up before anything of it was durable.
    if (this.#storage.names().includes(name)) this.#storage.remove(name);
    const file = this.#storage.append(name, true);
    const header = this.#encoder.encode(encodeHeader({ ledger: this.#ledger, first: next, chain }));
    try {
      file.write(header);
      if (this.#options.policy !== "never") {
        file.sync();
        this.#storage.syncFolder();
      }
    } catch (error) {
      file.close();
      throw error;
    }
    this.#durable = { ...this.#written, size: header.length };
    return { name, file, size: header.length };
  }

  #rotate(): void {
    if (this.#options.policy !== "never") this.#makeDurable();
    this.#closeSegment();
  }

  #closeSegment(): void {
    this.#segment?.file.close();
    this.#segment = undefined;
  }
}

/** What the system says of a disk; anything else is a fault of this program, or says who has the ledger. */
function isStorageFailure(error: unknown): boolean {
  return error instanceof Error && "code" in error && STORAGE_FAILURES.has(String(error.code));
}

/** errno(3): no space, quota, read-only, I/O error, no such device, file too large, too many files, stale handle. */
const STORAGE_FAILURES: ReadonlySet<string> = new Set(
  ["ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ENXIO", "EFBIG", "EMFILE", "ENFILE", "ESTALE"],
);

function size(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(size(chunks));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
