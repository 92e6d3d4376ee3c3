// How far the writer of the ledger has come. Why not messages alone? A commit that waits for the disk receives none.

/** What is written of one opening of the ledger. */
export class Counters {
  /** Offset after the last record that is in a file. */
  written = 0;
  /** Offset after the last record that is durable. */
  durable = 0;
  /** Bytes of all lines that are in files. */
  bytes = 0;

  /** Called by the writer alone. */
  note(written: number, durable: number, bytes: number): void {
    this.written = written;
    this.durable = durable;
    this.bytes = bytes;
  }
}
