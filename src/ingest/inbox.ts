// Batches between what reads a cluster and the loop: bounded, so that a slow disk makes the watches wait, not memory grow.

import { INBOX_BATCHES_MAX } from "../limits.ts";
import type { SourceBatch } from "./source.ts";

export class Inbox {
  readonly #batches: SourceBatch[] = [];
  readonly #waiting: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  /** Takes `batch`; a promise where it is to be waited for. */
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

  /** The next batch, when there is one; undefined once closed. */
  async take(): Promise<SourceBatch | undefined> {
    while (this.#batches.length === 0) {
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
    return this.drop();
  }

  peek(): SourceBatch | undefined {
    return this.#batches[0];
  }

  drop(): SourceBatch | undefined {
    const batch = this.#batches.shift();
    this.#waiting.shift()?.();
    return batch;
  }

  close(): void {
    this.#closed = true;
    this.#batches.length = 0;
    this.#wake?.();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
