// A queue of batches between the reflectors and the loop. It is bounded: when the disk is slow, the watches wait, and memory
// does not grow.

import { INBOX_BATCHES_MAX } from "../limits/input.ts";
import type { SourceBatch } from "./source.ts";

/** The event loop, as {@link Inbox.readArrived} needs it. */
export interface Turns {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Resolves once the loop has turned. */
  turn(): Promise<void>;
}

/** A bounded queue with one reader. */
export class Inbox {
  readonly #batches: SourceBatch[] = [];
  readonly #waiting: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  /** Adds `batch`. Returns a promise where the queue is full; the caller must wait for it before it adds more. */
  put(batch: SourceBatch): Promise<void> | undefined {
    if (this.#batches.length >= INBOX_BATCHES_MAX && !this.#closed) return this.#putLater(batch);
    this.#batches.push(batch);
    this.#wake?.();
    return undefined;
  }

  async #putLater(batch: SourceBatch): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await this.put(batch);
  }

  /** Waits for the next batch and removes it; undefined once the queue is closed. */
  async take(): Promise<SourceBatch | undefined> {
    while (this.#batches.length === 0) {
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
    return this.drop();
  }

  /** Lets the event loop turn until a turn brings no further batch, for so many milliseconds at most. */
  async readArrived(milliseconds: number, { now, turn }: Turns): Promise<void> {
    const end = now() + milliseconds;
    for (let read = -1; this.#batches.length > read && now() < end;) {
      read = this.#batches.length;
      await turn();
    }
  }

  /** The next batch, which stays in the queue. */
  peek(): SourceBatch | undefined {
    return this.#batches[0];
  }

  /** Removes the next batch, so that a waiting one can be added. */
  drop(): SourceBatch | undefined {
    const batch = this.#batches.shift();
    this.#waiting.shift()?.();
    return batch;
  }

  /** Drops all batches, and ends every wait. */
  close(): void {
    this.#closed = true;
    this.#batches.length = 0;
    this.#wake?.();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
