// The order in which the worker of the ledger executes what the program sends: lines through memory, all else in messages. Where
// nothing is left it sleeps in a call of the kernel; its event loop runs only for messages, and while a snapshot is finished.

import type { LineRing } from "./line_ring.ts";
import type { Posted } from "./worker_messages.ts";
import type { WorkerSide } from "./worker_side.ts";

/** After so many bytes of lines, and a moment without more, memory is freed: that of a first list is most of the worker's. */
const FREED_BYTES = 1024 * 1024;

/** Takes lines and messages in their order. Errors that its side throws are faults of this program, and pass through. */
export class WorkerTurns {
  readonly #side: Pick<WorkerSide, "handle">;
  readonly #ring: LineRing;
  readonly #freeMemory: () => void;
  /** Bytes of lines since memory was freed. */
  #taken = 0;
  /** Messages that were taken, modulo 2^32 as the ring counts them. */
  #messages = 0;
  #session = 0;
  /** Whether a snapshot arrives or is finished: its compression needs the event loop. */
  #snapshot = false;
  #closed = false;

  constructor(side: Pick<WorkerSide, "handle">, ring: LineRing, freeMemory: () => void) {
    this.#side = side;
    this.#ring = ring;
    this.#freeMemory = freeMemory;
  }

  /** Executes a message, after the lines that were sent before it. It may sleep then, for ever. */
  take({ after, ...message }: Posted): void {
    this.#ring.run();
    this.#messages = (this.#messages + 1) | 0;
    this.#append(after);
    this.#session = message.session;
    if (message.kind === "append") this.#taken += message.lines.length;
    if (message.kind === "snapshot") this.#snapshot = true;
    if (message.kind === "open") this.#snapshot = false;
    if (message.kind === "close") this.#closed = true;
    const done = message.kind === "look" ? undefined : this.#side.handle(message);
    if (message.kind === "snapshot-end") void this.#finish(done);
    this.#rest();
  }

  async #finish(done: void | Promise<void>): Promise<void> {
    await done;
    this.#snapshot = false;
    this.#rest();
  }

  #append(end: number): void {
    for (const append of this.#ring.take(end)) {
      this.#taken += append.lines.length;
      void this.#side.handle({ ...append, session: this.#session });
    }
  }

  /** Takes the lines that are there, and sleeps, until there is a message. After `close` the program ends this worker. */
  #rest(): void {
    for (;;) {
      // In this order: a message that was sent before these lines is not missed.
      const { end } = this.#ring;
      if (this.#ring.messages !== this.#messages) return;
      this.#append(end);
      if (!this.#snapshot && !this.#closed) this.#sleep();
      else if (this.#ring.awaitMessages()) return;
    }
  }

  #sleep(): void {
    if (!this.#ring.doze(this.#messages)) return;
    if (this.#taken >= FREED_BYTES) {
      this.#taken = 0;
      this.#freeMemory();
    }
    this.#ring.sleep(this.#messages);
  }
}
