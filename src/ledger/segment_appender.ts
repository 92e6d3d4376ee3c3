// Appends lines to segments, in order, on a disk that may fail. What a failed write left is cut off. After a failed sync the
// lines that may be lost are written again, to another file.

import { compressed } from "./compression.ts";
import { byteLength, joinedChunks } from "../byte_chunks.ts";
import { SEGMENT_BYTES } from "../limits/ledger.ts";
import { COMPRESSED, encodeHeader, segmentFirst, segmentName } from "./format.ts";
import type { Behind } from "./record_encoder.ts";
import { replaceByCompressed } from "./retention.ts";
import type { LedgerEnd } from "./segment.ts";
import { type DiskFile, type DiskFolder, tryDisk } from "./disk_folder.ts";
import type { DiskWork } from "./disk_work.ts";

/** How to write segments. */
export interface AppenderOptions {
  /** Whether to sync files and the folder. */
  readonly syncs: boolean;
  /** Id of the ledger. */
  readonly ledger: string;
  /** Size in bytes at which a segment is closed; SEGMENT_BYTES unless a test says otherwise. */
  readonly segmentBytes?: number;
}

/** The segment that is open. */
interface OpenSegment {
  readonly name: string;
  readonly file: DiskFile;
  /** Bytes in the file that count as written. */
  size: number;
}

/** Owns the last segment. Its methods throw the storage's errors; after an error the same call can be made again. */
export class SegmentAppender {
  readonly #folder: DiskFolder;
  readonly #options: AppenderOptions;
  #segment: OpenSegment | undefined;
  #end: Behind;
  #written: Behind;
  /** The last place that is durable, and the size of its segment there. */
  #durable: Behind & { readonly size: number };
  /** Lines that are in a file and not durable yet: they are written again if a sync of that file fails. */
  #unsynced: Uint8Array[] = [];
  /** Lines that are in no file yet. */
  #waiting: Uint8Array[] = [];
  /** File that a failed write or sync left too long, and the size to cut it to before the next write. */
  #cut: { readonly name: string; readonly size: number } | undefined;
  /** Last segment of the previous process, until a sync has shown that all of it is on the disk. */
  #unproven: string | undefined;

  constructor(folder: DiskFolder, options: AppenderOptions, place: Behind) {
    this.#folder = folder;
    this.#options = options;
    this.#end = place;
    this.#written = place;
    this.#durable = { ...place, size: 0 };
  }

  /** Place after the last record. */
  get end(): Behind {
    return this.#end;
  }

  /** Place after the last record that is in a file. */
  get written(): Behind {
    return this.#written;
  }

  /** Offset after the last record that is durable. */
  get durable(): number {
    return this.#unproven === undefined ? this.#durable.next : 0;
  }

  /** Whether every record is durable. */
  get synced(): boolean {
    return this.#durable.next === this.#end.next && this.#unproven === undefined;
  }

  /** Bytes of the lines that are in no file yet. */
  get waitingBytes(): number {
    return byteLength(this.#waiting);
  }

  /** Size of the open segment in bytes. */
  get tailBytes(): number {
    return this.#segment?.size ?? 0;
  }

  /** Name of the open segment. */
  get name(): string | undefined {
    return this.#segment?.name;
  }

  /** Queues `lines` for the next write; `end` is the place after them. */
  push(lines: Uint8Array, end: Behind): void {
    this.#waiting.push(lines);
    this.#end = end;
  }

  /** Cuts off the torn tail of the last segment and opens the segment, so that the next write continues it. */
  *resume(end: LedgerEnd | undefined): DiskWork<void> {
    if (end === undefined || end.segment === "") return;
    const { torn, segment: name } = end;
    if (!name.endsWith(COMPRESSED) && torn?.keep !== 0) this.#unproven = name;
    // Not even the header was whole: the next write makes the file again.
    if (torn?.keep === 0) return yield* this.#folder.remove(torn.file);
    if (torn !== undefined) {
      this.#cut = { name: torn.file, size: torn.keep };
      yield* this.#cutOff();
    }
    // A compressed segment is closed: the next write begins another one.
    if (name.endsWith(COMPRESSED)) return;
    const size = yield* this.#folder.size(name);
    const file = yield* this.#folder.append(name, false);
    try {
      // The previous process may have ended before it synced its last writes.
      if (this.#options.syncs) yield* file.sync();
    } catch (error) {
      yield* file.close();
      throw error;
    }
    this.#unproven = undefined;
    this.#segment = { name, file, size };
    this.#durable = { ...this.#durable, size };
  }

  /** Writes the queued lines with one call. After a failure the next write first cuts off what this one left. */
  *write(): DiskWork<void> {
    if (this.#mustMend) yield* this.#mend();
    if (this.#waiting.length === 0) return;
    const segment = this.#ready ?? (yield* this.#next());
    const bytes = joinedChunks(this.#waiting);
    try {
      yield* segment.file.write(bytes);
    } catch (error) {
      this.#cut = { name: segment.name, size: segment.size };
      throw error;
    }
    segment.size += bytes.length;
    this.#written = this.#end;
    this.#waiting = [];
    if (this.#options.syncs) this.#unsynced.push(bytes);
    else this.#noteDurable();
  }

  /** Begins the segment of the next lines, where none is open or the open one is full. */
  *prepare(): DiskWork<void> {
    if (this.#mustMend) yield* this.#mend();
    yield* this.#next();
  }

  /** Whether {@link prepare} has nothing to do, as after most writes. */
  get isPrepared(): boolean {
    return !this.#mustMend && this.#ready !== undefined;
  }

  /** Makes all written lines durable. */
  *sync(): DiskWork<void> {
    if (this.#unsynced.length > 0) yield* this.#makeDurable();
  }

  /** Closes the segment; the next write begins another one. */
  *close(): DiskWork<void> {
    const file = this.#segment?.file;
    this.#segment = undefined;
    if (file !== undefined) yield* file.close();
  }

  /** Closes and removes the segment where it has no record: {@link prepare} may have begun it. */
  *removeEmpty(): DiskWork<void> {
    const name = this.#segment?.name;
    if (name === undefined || segmentFirst(name) !== this.#written.next) return;
    yield* this.close();
    yield* this.#folder.remove(name);
  }

  /**
   * Where another program has removed or replaced the segment's file, writes it again from the open one, closes it, and returns
   * its name. What has its place then is kept beside it.
   */
  *restore(): DiskWork<string | undefined> {
    if (this.#segment === undefined || (yield* this.#segment.file.inPlace())) return undefined;
    const { name, file, size } = this.#segment;
    const bytes = yield* file.content(size);
    if ((yield* this.#folder.names()).includes(name)) yield* this.#folder.rename(name, `${name}.replaced`);
    yield* this.#folder.write(name, bytes);
    if (this.#options.syncs) yield* this.#folder.syncFolder();
    this.#noteDurable();
    yield* this.close();
    return name;
  }

  /**
   * Syncs the segment. Why not simply sync again after a failure? The kernel may have dropped the pages and marked them
   * clean, so that a second sync would succeed without writing them. So this file is not used any more: all lines that were
   * not durable are queued again, for another file.
   */
  *#makeDurable(): DiskWork<void> {
    try {
      if (this.#segment !== undefined) yield* this.#segment.file.sync();
    } catch (error) {
      yield* this.#giveUp();
      throw error;
    }
    this.#noteDurable();
  }

  *#giveUp(): DiskWork<void> {
    if (this.#segment !== undefined) this.#cut = { name: this.#segment.name, size: this.#durable.size };
    this.#written = this.#durable;
    this.#waiting = [...this.#unsynced, ...this.#waiting];
    this.#unsynced = [];
    yield* this.close();
  }

  #noteDurable(): void {
    this.#durable = { ...this.#written, size: this.tailBytes };
    this.#unsynced = [];
  }

  /**
   * Copies the segment that could not be continued when the ledger was opened. Where it could not be synced, its pages may be lost;
   * where it may not be written, or is another user's, the copy is this user's.
   */
  *#proveTail(): DiskWork<void> {
    if (this.#unproven === undefined) return;
    const name = this.#unproven;
    const size = this.#cut?.name === name ? this.#cut.size : undefined;
    // A segment without records needs no copy: the next write makes it again.
    if (segmentFirst(name) === this.#written.next) yield* this.#folder.remove(name);
    else {
      const bytes = yield* this.#folder.read(name, 0, size);
      yield* replaceByCompressed(this.#folder, name, yield* compressed(bytes));
    }
    this.#unproven = undefined;
    if (size !== undefined) this.#cut = undefined;
  }

  /** Whether what an earlier process or a failure left must be mended before the next write. */
  get #mustMend(): boolean {
    return this.#unproven !== undefined || this.#cut !== undefined;
  }

  *#mend(): DiskWork<void> {
    yield* this.#proveTail();
    yield* this.#cutOff();
  }

  /**
   * Cuts off what a failed write or sync left in a file. Why not at once? A btrfs without room (Linux 6.18, ENOSPC and EDQUOT) refuses
   * that and has erased what is behind the cut, up to the end of its page. Whole lines follow it, so a start would find damage.
   */
  *#cutOff(): DiskWork<void> {
    if (this.#cut === undefined) return;
    const { name, size } = this.#cut;
    yield* tryDisk(this.#folder);
    yield* this.#folder.truncate(name, size);
    this.#cut = undefined;
  }

  /** Begins a segment. Its header and its name are durable before its first record is written. */
  *#begin(): DiskWork<OpenSegment> {
    const { next, chain } = this.#written;
    const name = segmentName(next);
    // An earlier sync of this file failed, before any record of it was durable.
    if ((yield* this.#folder.names()).includes(name)) yield* this.#folder.remove(name);
    const file = yield* this.#folder.append(name, true);
    const header = new TextEncoder().encode(
      encodeHeader({ ledger: this.#options.ledger, first: next, chain }),
    );
    try {
      yield* file.write(header);
      if (this.#options.syncs) {
        yield* file.sync();
        yield* this.#folder.syncFolder();
      }
    } catch (error) {
      yield* file.close();
      throw error;
    }
    this.#durable = { ...this.#written, size: header.length };
    return { name, file, size: header.length };
  }

  get #isFull(): boolean {
    return this.tailBytes >= (this.#options.segmentBytes ?? SEGMENT_BYTES);
  }

  /** The open segment; undefined where the next lines need another one. */
  get #ready(): OpenSegment | undefined {
    return this.#isFull ? undefined : this.#segment;
  }

  /** The segment of the next lines. A full one is closed. */
  *#next(): DiskWork<OpenSegment> {
    if (this.#isFull) {
      if (this.#options.syncs) yield* this.#makeDurable();
      yield* this.close();
    }
    return this.#segment ??= yield* this.#begin();
  }
}
