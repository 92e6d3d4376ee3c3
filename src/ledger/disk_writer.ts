// The part of a ledger's writer that touches the disk: the lock, and lines that are encoded already. While the disk fails, lines
// wait in memory. Other programs may remove or replace files meanwhile; that is noticed by their inodes.

import { messageOf } from "../thrown.ts";
import type { Behind } from "./record_encoder.ts";
import type { LedgerEnd } from "./segment.ts";
import { segmentsAmong } from "./format.ts";
import { SegmentAppender } from "./segment_appender.ts";
import { type DiskFolder, guardedFolder } from "./disk_folder.ts";
import { type DiskLock, KeptLock } from "./folder_lock.ts";
import { isRoomLacking } from "./open_file.ts";
import type { DiskWork } from "./disk_work.ts";
import { isStorageFailure } from "./storage.ts";

/** When appended records become durable: with each append, when `sync` is called, or never. */
export type SyncPolicy = "always" | "interval" | "never";

/** Another process is the writer of this ledger. */
export class LedgerLocked extends Error {
  override readonly name = "LedgerLocked";

  constructor(path: string, readonly heldBy: string) {
    super(`ledger ${path} is being written by ${heldBy}: stop it, or use another folder with --ledger`);
  }
}

/** Another program removed or replaced the folder after it was opened. What was written to it may be gone. */
export class LedgerGone extends Error {
  override readonly name = "LedgerGone";
}

/** What is said then. */
export const GONE = "the folder of the ledger, or its lock, was removed or replaced";

/** How to write. */
export interface DiskOptions {
  readonly policy: SyncPolicy;
  /** Size in bytes at which a segment is closed; SEGMENT_BYTES unless a test says otherwise. */
  readonly segmentBytes?: number;
}

/** Holds the lock and the last segment of a ledger; {@link close} releases both. */
export class DiskWriter {
  readonly #options: DiskOptions;
  readonly #locks: KeptLock;
  /** Whether the lock ends with this session. */
  readonly #releases: boolean;
  #appender: SegmentAppender | undefined;
  #lock: DiskLock | undefined;
  /** Segments that were there when the folder was read without its lock. */
  #found: readonly string[] | undefined;
  #failure: string | undefined;
  #lacksRoom = false;
  #closed = false;

  /** Nothing is changed in it without the lock, and once its path leads to another one: another process may write that. */
  readonly folder: DiskFolder;
  /** The same, for what is done while the lock is taken. */
  readonly #unguarded: DiskFolder;

  private constructor(folder: DiskFolder, options: DiskOptions, locks: KeptLock | undefined) {
    this.#unguarded = folder;
    this.folder = guardedFolder(folder, () => this.#requireLock());
    this.#options = options;
    this.#locks = locks ?? new KeptLock();
    this.#releases = locks === undefined;
  }

  /**
   * Takes the lock, and ends what a crash left half set aside; throws what the disk throws at that, because half of a ledger is
   * none. Throws {@link LedgerLocked}; where the disk fails, the lock is taken before the first change. With `locks` the caller releases it.
   */
  static *open(folder: DiskFolder, options: DiskOptions, locks?: KeptLock): DiskWork<DiskWriter> {
    const writer = new DiskWriter(folder, options, locks);
    yield* writer.attempt(writer.#takeLock());
    if (writer.#lock === undefined) writer.#found = yield* writer.attempt(writer.#segments());
    else yield* writer.#endAside();
    return writer;
  }

  *#endAside(): DiskWork<void> {
    try {
      yield* this.folder.endAside();
    } catch (error) {
      yield* this.close();
      throw error;
    }
  }

  /** Continues the ledger with id `ledger` at `place`. `end` describes its last segment; it is undefined for a new ledger. */
  *begin(ledger: string, place: Behind, end: LedgerEnd | undefined): DiskWork<void> {
    const syncs = this.#options.policy !== "never";
    this.#appender = new SegmentAppender(this.folder, { ...this.#options, ledger, syncs }, place);
    yield* this.attempt(this.#appender.resume(end));
  }

  /** Place after the last line. */
  get end(): Behind {
    return this.#begun.end;
  }

  /** Offset after the last record that is in a file. */
  get written(): number {
    return this.#begun.written.next;
  }

  /** Offset after the last record that is durable. */
  get durable(): number {
    return this.#begun.durable;
  }

  /** Whether every record is durable. */
  get synced(): boolean {
    return this.#begun.synced;
  }

  /** Bytes of lines that wait in memory. */
  get waitingBytes(): number {
    return this.#begun.waitingBytes;
  }

  /** Size of the open segment in bytes. */
  get tailBytes(): number {
    return this.#begun.tailBytes;
  }

  /** Name of the open segment; undefined between two segments. */
  get segment(): string | undefined {
    return this.#begun.name;
  }

  /** Why the last work on the disk failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether it failed because there is no room, and the ledger is locked, so that files of it may be removed. */
  get lacksRoom(): boolean {
    return this.#failure !== undefined && this.#lacksRoom && this.#lock !== undefined && !this.#closed;
  }

  /** Whether the writer was disposed of. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Appends `lines`, which end at `end`. Afterwards they are in the file, with the policy `always` durable, or, while there is a
   * {@link failure}, in memory. Whether the file is still in its place is looked at by {@link sync}: that takes more calls.
   */
  *push(lines: Uint8Array, end: Behind): DiskWork<void> {
    this.#begun.push(lines, end);
    // As `attempt`, without its layers: each change comes here.
    try {
      if (this.#lock === undefined) yield* this.#takeLock();
      yield* this.#begun.write();
      if (this.#options.policy === "always") yield* this.#begun.sync();
      this.#failure = undefined;
    } catch (error) {
      yield* this.#noteFailure(error);
    }
  }

  /** Whether {@link prepare} has nothing to do, as after most appends. */
  get isPrepared(): boolean {
    return this.#lock === undefined || this.#failure !== undefined || this.#begun.isPrepared;
  }

  /**
   * Begins the segment of the next lines, where none is open: a caller that waits for those can only wait for their write. Without
   * the lock, and while the disk fails, it does nothing.
   */
  *prepare(): DiskWork<void> {
    if (this.isPrepared) return;
    yield* this.attemptBeside(this.#begun.prepare());
  }

  /**
   * Writes the waiting lines and makes all lines durable, except with the policy `never`. Returns the name of the segment that
   * another program removed or replaced, and that was written again. Throws {@link LedgerGone} where the whole folder was.
   */
  *sync(): DiskWork<string | undefined> {
    return yield* this.attempt(this.#sync());
  }

  /** Makes all lines durable and closes the segment. Throws the storage's errors. */
  *endSegment(): DiskWork<void> {
    yield* this.#write();
    yield* this.#begun.sync();
    yield* this.#begun.close();
  }

  /**
   * Runs `work` on the disk. Where the disk fails, {@link failure} says so until the next work succeeds. Throws {@link LedgerGone}
   * where it fails because the whole folder was removed or replaced: then no later work can succeed.
   */
  *attempt<T>(work: DiskWork<T>): DiskWork<T | undefined> {
    return yield* this.#attempt(work, true);
  }

  /** As {@link attempt}, for work beside the lines: its success does not clear {@link failure}, because it says nothing about the lines. */
  *attemptBeside<T>(work: DiskWork<T>): DiskWork<T | undefined> {
    return yield* this.#attempt(work, false);
  }

  *#attempt<T>(work: DiskWork<T>, clearsFailure: boolean): DiskWork<T | undefined> {
    try {
      const result = yield* work;
      if (clearsFailure) this.#failure = undefined;
      return result;
    } catch (error) {
      yield* this.#noteFailure(error);
      return undefined;
    }
  }

  /** Throws errors that are not the disk's on. */
  *#noteFailure(error: unknown): DiskWork<void> {
    if (!isStorageFailure(error)) throw error;
    this.#failure = messageOf(error);
    this.#lacksRoom = isRoomLacking(error);
    if (yield* this.#isGone()) throw new LedgerGone(GONE);
  }

  /**
   * Makes all lines durable, as far as the disk allows it, and releases segment and lock. A segment without records goes: the next
   * start would read it before the one with the last commit.
   */
  *close(): DiskWork<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#appender !== undefined) yield* this.#end();
    } catch (error) {
      // A folder that was removed needs no end.
      if (!(error instanceof LedgerGone)) throw error;
    } finally {
      if (this.#appender !== undefined) yield* this.#appender.close();
      if (this.#releases) yield* this.#locks.release();
    }
  }

  *#end(): DiskWork<void> {
    yield* this.sync();
    if (this.#failure === undefined) yield* this.attempt(this.#begun.removeEmpty());
  }

  /** Whether {@link begin} was called. */
  get isBegun(): boolean {
    return this.#appender !== undefined;
  }

  /** Where the message that begins the ledger is lost, as in the simulation, others come first: then the session is lost. */
  get #begun(): SegmentAppender {
    if (this.#appender === undefined) throw new LedgerGone("the ledger was not begun");
    return this.#appender;
  }

  *#write(): DiskWork<void> {
    if (this.#lock === undefined) yield* this.#takeLock();
    yield* this.#begun.write();
  }

  *#sync(): DiskWork<string | undefined> {
    yield* this.#write();
    yield* this.#requireLock();
    const restored = yield* this.#begun.restore();
    yield* this.#begun.sync();
    return restored;
  }

  /** Takes the lock where that was not possible before. Throws {@link LedgerGone} where what it is of is not in its place. */
  *#requireLock(): DiskWork<void> {
    if (this.#lock === undefined) yield* this.#takeLock();
    else if (!(yield* this.#lock.held())) throw new LedgerGone(GONE);
  }

  *#segments(): DiskWork<string[]> {
    return segmentsAmong(yield* this.folder.names());
  }

  *#takeLock(): DiskWork<void> {
    const lock = yield* this.#locks.take(this.folder);
    if ("heldBy" in lock) throw new LedgerLocked(this.folder.path, lock.heldBy);
    if (this.#found !== undefined) {
      yield* this.#unguarded.endAside();
      // Between the reading and the lock another writer may have been there, or another folder has its place now.
      if ((yield* this.#segments()).join() !== this.#found.join()) {
        throw new LedgerGone("the folder of the ledger has other segments than when it was read");
      }
    }
    this.#found = undefined;
    this.#lock = lock;
  }

  /** Whether the folder is known to be another one. On a disk that fails, that may not be known. */
  *#isGone(): DiskWork<boolean> {
    if (this.#closed || this.#lock === undefined) return false;
    try {
      return !(yield* this.#lock.held());
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      return false;
    }
  }
}
