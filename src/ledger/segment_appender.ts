// Lines into segments, in order, on a disk that may fail: what a failed write left is cut off, what a failed sync left is
// written to another file.

import { zstdCompressSync } from "node:zlib";
import { SEGMENT_BYTES } from "../limits.ts";
import { byteLength, concatenated } from "./byte_chunks.ts";
import { COMPRESSED, encodeHeader, segmentFirst, segmentName } from "./format.ts";
import { replaceByCompressed } from "./retention.ts";
import type { LedgerEnd } from "./segment.ts";
import type { AppendFile, Storage } from "./storage.ts";

/** A place behind a record. */
export interface Behind {
  /** Offset of the next record. */
  readonly next: number;
  /** Hash chain there. */
  readonly chain: string;
}

/** How segments are written. */
export interface AppenderOptions {
  /** Whether anything is made durable. */
  readonly syncs: boolean;
  /** Id of the ledger. */
  readonly ledger: string;
  /** Size in bytes at which a segment is closed; SEGMENT_BYTES unless a test says otherwise. */
  readonly segmentBytes?: number;
}

/** The segment that is open. */
interface OpenSegment {
  readonly name: string;
  readonly file: AppendFile;
  /** Bytes in it. */
  size: number;
}

/** Throws the storage's errors; after one, the same call may be made again. */
export class SegmentAppender {
  readonly #storage: Storage;
  readonly #options: AppenderOptions;
  #segment: OpenSegment | undefined;
  #end: Behind;
  #written: Behind;
  /** With the size of its segment there. */
  #durable: Behind & { readonly size: number };
  /** Lines that are in a file and not durable, in case that file is given up. */
  #unsynced: Uint8Array[] = [];
  /** Lines that are in no file. */
  #waiting: Uint8Array[] = [];
  /** What a failed write left in a file, to be cut off before anything else is written. */
  #cut: { readonly name: string; readonly size: number } | undefined;
  /** The last segment of the process before, until all of it is on the disk. */
  #unproven: string | undefined;

  constructor(storage: Storage, options: AppenderOptions, place: Behind) {
    this.#storage = storage;
    this.#options = options;
    this.#end = place;
    this.#written = place;
    this.#durable = { ...place, size: 0 };
  }

  /** Behind the last record. */
  get end(): Behind {
    return this.#end;
  }

  /** Behind the last record that is in a file. */
  get written(): Behind {
    return this.#written;
  }

  /** Whether every record is on the disk. */
  get synced(): boolean {
    return this.#durable.next === this.#end.next && this.#unproven === undefined;
  }

  /** Bytes that are in no file. */
  get waitingBytes(): number {
    return byteLength(this.#waiting);
  }

  /** Bytes of the open segment. */
  get tailBytes(): number {
    return this.#segment?.size ?? 0;
  }

  /** Name of the open segment. */
  get name(): string | undefined {
    return this.#segment?.name;
  }

  /** Takes `lines`, behind which the ledger is at `end`. */
  push(lines: Uint8Array, end: Behind): void {
    this.#waiting.push(lines);
    this.#end = end;
  }

  /** Continues the last segment, without its torn tail. */
  resume(end: LedgerEnd | undefined): void {
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
      if (this.#options.syncs) file.sync();
    } catch (error) {
      file.close();
      throw error;
    }
    this.#unproven = undefined;
    this.#segment = { name, file, size };
    this.#durable = { ...this.#durable, size };
  }

  /** Writes the lines that wait, with one call. After a failure what was written of them is taken back. */
  write(): void {
    this.#cutOff();
    this.#proveTail();
    if (this.#waiting.length === 0) return;
    if (this.tailBytes >= (this.#options.segmentBytes ?? SEGMENT_BYTES)) this.#rotate();
    const segment = this.#segment ??= this.#begin();
    const bytes = concatenated(this.#waiting);
    try {
      segment.file.write(bytes);
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

  /** Makes durable what was written. */
  sync(): void {
    if (this.#unsynced.length > 0) this.#makeDurable();
  }

  /** Closes the segment; the next line begins another. */
  close(): void {
    this.#segment?.file.close();
    this.#segment = undefined;
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
    this.close();
    this.#written = this.#durable;
    this.#waiting = [...this.#unsynced, ...this.#waiting];
    this.#unsynced = [];
  }

  #noteDurable(): void {
    this.#durable = { ...this.#written, size: this.tailBytes };
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
    const header = new TextEncoder().encode(
      encodeHeader({ ledger: this.#options.ledger, first: next, chain }),
    );
    try {
      file.write(header);
      if (this.#options.syncs) {
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
    if (this.#options.syncs) this.#makeDurable();
    this.close();
  }
}
