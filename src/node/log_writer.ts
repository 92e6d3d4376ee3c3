// Writes lines to standard error. In the background a thread of the runtime writes them, because the program that reads them
// may stop reading, or the disk may hang, and neither may delay rules. Lines beyond a bound of memory are dropped and counted.

import { Buffer } from "node:buffer";
import { LOG_WAITING_BYTES_MAX } from "../limits/serving.ts";

/** The destination of lines: standard error, or a fake of a test. */
export interface LogSink {
  writeSync(bytes: Uint8Array): number;
  write(bytes: Uint8Array): Promise<number>;
}

const encoder = new TextEncoder();
/** Most bytes handed to the thread at once. */
const CHUNK_BYTES = 64 * 1024;
/** How long lines are gathered before they are written. To wake the thread costs more than to make a line. */
const GATHER_MILLISECONDS = 250;
/** How long to wait when a non-blocking standard error is full. */
const RETRY_MILLISECONDS = 50;

/** Writes lines to `sink`, in order. */
export class LogWriter {
  #background = false;
  #waiting: Uint8Array[] = [];
  /** Bytes in {@link #waiting} and in the write that is under way. */
  #bytes = 0;
  #draining: Promise<void> | undefined;
  /** Ends the gathering of lines at once; undefined while none are gathered. */
  #endGathering: (() => void) | undefined;
  #dropped = 0;
  #droppedReported = 0;

  /** `droppedLine` makes the line that says how many were dropped. */
  constructor(readonly sink: LogSink, readonly droppedLine: (count: number) => string) {}

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** From now on {@link write} does not wait for the sink. */
  goBackground(): void {
    this.#background = true;
  }

  /** Writes `line`, which ends with a newline. Never throws. */
  write(line: string): void {
    const bytes = encoder.encode(line);
    if (!this.#background) return this.#writeNow(bytes);
    if (this.#bytes + bytes.length > LOG_WAITING_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    this.#put(bytes);
    this.#draining ??= this.#drain();
  }

  /** Waits until all lines are written, at most `milliseconds`. Returns whether they are. */
  async flush(milliseconds: number): Promise<boolean> {
    const draining = this.#draining;
    if (draining === undefined) return true;
    this.#endGathering?.();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), milliseconds);
    void draining.then(() => resolve(true));
    const done = await promise;
    clearTimeout(timer);
    return done;
  }

  /** Adds a line to those that wait. */
  #put(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }

  /** A failure cannot be reported anywhere, so it is only counted. */
  #writeNow(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += this.sink.writeSync(bytes.subarray(at));
    } catch {
      this.#dropped++;
    }
  }

  /** Writes until no line waits. It never rejects. */
  async #drain(): Promise<void> {
    await this.#gather();
    while (this.#waiting.length > 0) {
      const lines = this.#takeChunk();
      await this.#writeWhole(lines);
      this.#bytes -= lines.reduce((sum, { length }) => sum + length, 0);
      const dropped = this.#dropped - this.#droppedReported;
      if (dropped === 0) continue;
      this.#droppedReported = this.#dropped;
      this.#put(encoder.encode(this.droppedLine(dropped)));
    }
    this.#draining = undefined;
  }

  async #gather(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GATHER_MILLISECONDS);
    this.#endGathering = resolve;
    await promise;
    this.#endGathering = undefined;
    clearTimeout(timer);
  }

  /** Takes lines of at most {@link CHUNK_BYTES} from those that wait, or one longer line. */
  #takeChunk(): Uint8Array[] {
    let size = 0;
    const end = this.#waiting.findIndex(({ length }) => (size += length) > CHUNK_BYTES);
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(1, end));
  }

  /** Writes all of `lines`. A write may take only a part of them. */
  async #writeWhole(lines: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(lines);
    for (let at = 0; at < bytes.length;) {
      try {
        at += await this.sink.write(bytes.subarray(at));
      } catch (error) {
        if (error instanceof Deno.errors.WouldBlock) {
          await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
          continue;
        }
        // The other end is closed, so a line about that would be lost too.
        this.#dropped += lines.length;
        this.#droppedReported = this.#dropped;
        return;
      }
    }
  }
}
