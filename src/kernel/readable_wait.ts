// Waits for a descriptor on another thread of the runtime, with poll(2), so that the loop need not look from time to time: a wake of
// a process at rest costs 0.2 to 0.3 ms of CPU time. An eventfd(2) ends the wait.

import { kernelLibc, sharedLibc } from "./libc.ts";

const waitLibc = sharedLibc(
  {
    poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },
    eventfd: { parameters: ["u32", "i32"], result: "i32" },
  } as const,
);

/** sys/eventfd.h, on x86_64 and aarch64 alike. */
const EFD_CLOEXEC = 0o2000000;
/** poll(2). Errors of a socket, such as dropped messages, end the wait too (POLLERR): they need not be asked for. */
const POLLIN = 1;
const FOR_EVER = -1;
/** struct pollfd. */
const POLL_BYTES = 8;
/** Smaller arrays may be moved by the garbage collector while the other thread reads them. */
const UNMOVED_BYTES = 128;

/** Waits for one descriptor, which must stay open until this is disposed of. */
export class ReadableWait implements AsyncDisposable {
  readonly #libc = waitLibc();
  readonly #calls = kernelLibc();
  readonly #readable: () => void;
  /** Negative where the system has none. */
  readonly #end: number;
  readonly #polled = new Uint8Array(UNMOVED_BYTES);
  #waiting: Promise<void> | undefined;
  #ended = false;

  /** `readable` is called once for each {@link arm}. It must not throw. */
  constructor(descriptor: number, readable: () => void) {
    this.#readable = readable;
    this.#end = this.#libc.symbols.eventfd(0, EFD_CLOEXEC);
    const view = new DataView(this.#polled.buffer);
    for (const [i, waited] of [descriptor, this.#end].entries()) {
      view.setInt32(i * POLL_BYTES, waited, true);
      view.setInt16(i * POLL_BYTES + 4, POLLIN, true);
    }
  }

  /**
   * Waits, unless it does already, until the descriptor can be read, as it may be at once. False where that is not possible: then
   * look from time to time.
   */
  arm(): boolean {
    if (this.#end < 0 || this.#ended) return false;
    this.#waiting ??= this.#wait();
    return true;
  }

  /** A signal may end the wait too, or a lack of memory; then there may be nothing to read. */
  async #wait(): Promise<void> {
    await this.#libc.symbols.poll(this.#polled, 2n, FOR_EVER);
    this.#waiting = undefined;
    if (!this.#ended) this.#readable();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const one = new Uint8Array(BigUint64Array.of(1n).buffer);
    if (this.#waiting !== undefined) this.#calls.symbols.write(this.#end, one, BigInt(one.length));
    await this.#waiting;
    if (this.#end >= 0) this.#calls.symbols.close(this.#end);
    this.#calls.close();
    this.#libc.close();
  }
}
