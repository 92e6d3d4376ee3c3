// The only writer of a ledger. After a crash at any moment the ledger holds a prefix of the appended records. When the disk
// fails, the caller goes on: records wait in memory, with their offsets and hash chain, and are written once the disk works.

import { countText } from "../count_text.ts";
import { UNWRITTEN_BYTES_MAX } from "../limits/ledger.ts";
import { ageBehind, NEWBORN } from "./age.ts";
import { atOnce } from "./disk_work.ts";
import { type DiskOptions, DiskWriter } from "./disk_writer.ts";
import { COMPRESSED, genesisChain, segmentNames } from "./format.ts";
import { commitBehind } from "./last_commit.ts";
import type { Ledger, LedgerFailure } from "./ledger.ts";
import { type LedgerRecord, type Offset, offsetOf } from "./record.ts";
import { newLedgerId, RecordEncoder } from "./record_encoder.ts";
import { type LedgerEnd, readSegments, type TornTail } from "./segment.ts";
import type { Place } from "./snapshot.ts";
import { asFolder, type Storage } from "./storage.ts";

/** More bytes wait for the disk than may wait in memory. */
export class LedgerOverflow extends Error {
  override readonly name = "LedgerOverflow";

  constructor(path: string, { records, reason }: LedgerFailure) {
    super(
      `ledger ${path}: ${
        countText(records, "record")
      } could not be written (${reason}), and no more are kept in memory`,
    );
  }
}

/** A program has nothing more to write, and the disk did not take all of it. */
export class LedgerUnwritten extends Error {
  override readonly name = "LedgerUnwritten";

  constructor(path: string, { records, reason }: LedgerFailure) {
    const what = records === 0
      ? "it may not be durable"
      : `its last ${countText(records, "record is", "records are")} not written`;
    super(`ledger ${path}: ${what} (${reason})`);
  }
}

/** How to read a ledger that is to be continued. */
export interface RecoveryOptions {
  /** Id of a new ledger, 16 hex digits; drawn at random unless a test says otherwise. */
  readonly ledger?: string;
  /** Place of a snapshot that the caller has loaded. Records before it are not read. */
  readonly behind?: Place;
  /** Called with each record that the ledger has already, in order. */
  readonly onRecord?: (offset: Offset, record: LedgerRecord) => void;
}

/** How to open a writer. */
export interface WriterOptions extends DiskOptions, RecoveryOptions {
  /** Bytes that may wait in memory; UNWRITTEN_BYTES_MAX unless a test says otherwise. */
  readonly unwrittenBytes?: number;
}

/** The end of a ledger that was read. */
export interface Recovered {
  readonly encoder: RecordEncoder;
  /** Undefined where the folder has no ledger: then a new one begins. */
  readonly end: LedgerEnd | undefined;
  /** Size of the segment that is continued, in bytes; 0 where a new one begins. */
  readonly tailBytes: number;
}

/** Reads the records that are in `storage`, and finds the end of the ledger. Throws LedgerDamage. */
export function recover(storage: Storage, { behind, ledger, onRecord }: RecoveryOptions): Recovered {
  const records = readSegments(storage, { behind, proven: true });
  let age = behind?.age ?? NEWBORN;
  let commit = behind?.commit;
  for (;;) {
    const { done, value } = records.next();
    if (done) {
      const id = value?.ledger ?? ledger ?? newLedgerId();
      const place = { next: value?.next ?? 0, chain: value?.chain ?? genesisChain(id) };
      const isOpen = value !== undefined && value.segment !== "" && !value.segment.endsWith(COMPRESSED);
      const tailBytes = isOpen ? storage.size(value.segment) : 0;
      return { encoder: new RecordEncoder(id, place, age, commit), end: value, tailBytes };
    }
    age = ageBehind(age, value.record);
    commit = commitBehind(commit, value.record);
    onRecord?.(value.offset, value.record);
  }
}

/** Holds the lock and the last segment of a ledger; dispose of it to release both. */
export class LedgerWriter implements Ledger, Disposable {
  readonly #options: WriterOptions;
  readonly #encoder: RecordEncoder;
  /** The part that touches the disk. */
  readonly disk: DiskWriter;
  /** The torn tail that was cut off when the ledger was opened; undefined where there was none. */
  readonly torn: TornTail | undefined;

  /**
   * Opens the ledger in `storage`, or makes a new one, and cuts off a torn tail. Throws LedgerLocked, LedgerDamage, or the
   * storage's own error where the ledger cannot be read.
   */
  constructor(readonly storage: Storage, options: WriterOptions) {
    this.#options = options;
    this.disk = atOnce(DiskWriter.open(asFolder(storage), options));
    try {
      const { encoder, end } = recover(storage, options);
      this.#encoder = encoder;
      this.torn = end?.torn;
      atOnce(this.disk.begin(encoder.ledger, encoder.end, end));
    } catch (error) {
      atOnce(this.disk.close());
      throw error;
    }
  }

  get ledger(): string {
    return this.#encoder.ledger;
  }

  get next(): Offset {
    return offsetOf(this.#encoder.end.next);
  }

  get durable(): number {
    return this.disk.durable;
  }

  get failure(): LedgerFailure | undefined {
    const { failure, written } = this.disk;
    return failure === undefined ? undefined : { reason: failure, records: this.next - written };
  }

  /** Whether every record is durable. */
  get synced(): boolean {
    return this.disk.synced;
  }

  get tailBytes(): number {
    return this.disk.tailBytes;
  }

  /** Name of the open segment; undefined between two segments. */
  get segment(): string | undefined {
    return this.disk.segment;
  }

  /** Place after the last record. */
  get place(): Place {
    return this.#encoder.place;
  }

  /**
   * Appends `records` and returns the offset of the first. Afterwards they are in the file, or, while there is a
   * {@link failure}, in memory. Throws {@link LedgerOverflow} when too many bytes wait.
   */
  append(records: readonly LedgerRecord[]): Offset {
    const first = this.next;
    const { lines, end } = this.#encoder.encode(records);
    atOnce(this.disk.push(lines, end));
    if (this.disk.waitingBytes > (this.#options.unwrittenBytes ?? UNWRITTEN_BYTES_MAX)) {
      throw new LedgerOverflow(this.storage.path, this.failure!);
    }
    return first;
  }

  /** Nothing to wait for: {@link append} has written. */
  awaitWritten(): void {}

  /** Writes the waiting records and makes all records durable, except with the policy `never`. */
  sync(): void {
    atOnce(this.disk.sync());
  }

  /** As {@link sync}, where nothing follows that would try again. Throws {@link LedgerUnwritten}. */
  finish(): void {
    this.sync();
    const { failure } = this;
    if (failure !== undefined) throw new LedgerUnwritten(this.storage.path, failure);
  }

  [Symbol.dispose](): void {
    atOnce(this.disk.close());
  }
}

/**
 * Writes a new ledger into `storage`, which has none. Where the disk does not take all of it, removes what was written, so that it can be
 * tried again, and throws {@link LedgerUnwritten} or {@link LedgerOverflow}.
 */
export function writeNewLedger<T>(
  storage: Storage,
  options: WriterOptions,
  fill: (writer: LedgerWriter) => T,
): T {
  try {
    using writer = new LedgerWriter(storage, options);
    const made = fill(writer);
    writer.finish();
    return made;
  } catch (error) {
    if (error instanceof LedgerUnwritten || error instanceof LedgerOverflow) {
      for (const name of segmentNames(storage)) storage.remove(name);
    }
    throw error;
  }
}
