// How far the ledger's worker has come, in memory that both threads share. Why not messages alone? A thread that waits for its
// worker receives none.

const WRITTEN = 0;
const DURABLE = 1;
const BYTES = 2;
const LENGTH = 3;

/** What the worker has done of one opening of the ledger. */
export class Counters {
  readonly #cells: BigInt64Array<SharedArrayBuffer>;

  /** Without `shared` the counters are new, and zero. */
  constructor(readonly shared = new SharedArrayBuffer(LENGTH * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#cells = new BigInt64Array(shared);
  }

  /** Offset after the last record that is in a file. */
  get written(): number {
    return Number(Atomics.load(this.#cells, WRITTEN));
  }

  /** Offset after the last record that is durable. */
  get durable(): number {
    return Number(Atomics.load(this.#cells, DURABLE));
  }

  /** Bytes of all lines that are in files. */
  get bytes(): number {
    return Number(Atomics.load(this.#cells, BYTES));
  }

  /** Called by the worker alone. */
  note(written: number, durable: number, bytes: number): void {
    Atomics.store(this.#cells, BYTES, BigInt(bytes));
    Atomics.store(this.#cells, DURABLE, BigInt(durable));
    Atomics.store(this.#cells, WRITTEN, BigInt(written));
    Atomics.notify(this.#cells, WRITTEN);
    Atomics.notify(this.#cells, DURABLE);
  }

  /** Waits until the records before `next` are written or, with `durable`, durable; false after `milliseconds`. */
  wait(next: number, durable: boolean, milliseconds: number): boolean {
    const cell = durable ? DURABLE : WRITTEN;
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const value = Atomics.load(this.#cells, cell);
      if (Number(value) >= next) return true;
      const rest = deadline - performance.now();
      if (rest <= 0) return false;
      Atomics.wait(this.#cells, cell, value, rest);
    }
  }
}
