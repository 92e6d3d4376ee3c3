// What the loop needs of the ledger that it appends to. `LedgerWriter` writes to the disk itself; `RemoteLedger` hands records to
// other threads, so that a disk that hangs does not delay rules; `MemoryLedger` takes their place while there is no disk.

import type { LedgerRecord, Offset } from "./record.ts";

/** Why records are not on the disk. */
export interface LedgerFailure {
  /** The system's error message, or what else is wrong. */
  readonly reason: string;
  /** How many records wait in memory, or were left out. */
  readonly records: number;
}

/** A ledger that takes records. */
export interface Ledger {
  /** Id of the ledger. */
  readonly ledger: string;
  /** Offset of the next record. */
  readonly next: Offset;
  /** Offset of the first record that may not be durable: at most {@link next}. */
  readonly durable: number;
  /** Why records are not on the disk; undefined while none has to wait. */
  readonly failure: LedgerFailure | undefined;
  /** Size of the open segment in bytes. A start has to read about as much after the newest snapshot. */
  readonly tailBytes: number;
  /** Appends `records` and returns the offset of the first. */
  append(records: readonly LedgerRecord[]): Offset;
  /**
   * To be called before a batch is taken, and to be awaited where it is defined: until {@link awaitWritten} can wait for the disk, or
   * a bounded time. What is appended until the next call came in one piece.
   */
  ready?(): Promise<void> | undefined;
  /**
   * Call it before rules follow appended records. Where another thread writes them, it waits a bounded time until they are in the
   * file, so that the end of this process loses no record that rules follow. A slow disk does not delay rules further.
   */
  awaitWritten(): void;
  /** Makes appended records durable, or asks another thread to. */
  sync(): void;
}
