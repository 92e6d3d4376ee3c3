// Wakes the loop at its deadlines, which change with each batch. One at a whole second needs no timer of its own.

import { everySecond } from "../second.ts";

/** Calls `due` at `deadline`, once `ready` is: what it waits for may answer through the event loop. Dispose of it to stop. */
export class DueTimer implements Disposable {
  readonly #deadline: () => number;
  readonly #ready: () => Promise<void> | undefined;
  readonly #due: () => void;
  readonly #seconds = everySecond(() => this.at <= performance.now() ? this.#fire() : this.set());
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Another one each time that it is set. */
  #setting = {};
  #disposed = false;
  /** The deadline that it was set for. */
  at = Infinity;

  constructor(deadline: () => number, ready: () => Promise<void> | undefined, due: () => void) {
    this.#deadline = deadline;
    this.#ready = ready;
    this.#due = due;
  }

  /** Sets it for the deadline as it is now. Why not refresh()? In Deno 2.9 clearTimeout does not end a timer that its own callback refreshed. */
  set(): void {
    if (this.#disposed) return;
    this.#clear();
    this.at = this.#deadline();
    if (this.at >= this.#seconds.next) return;
    // A timer cuts off fractions: it would fire before the deadline, find nothing due, and be set again.
    const pause = Math.max(0, Math.ceil(this.at - performance.now()));
    this.#timer = setTimeout(() => this.#fire(), pause);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#seconds[Symbol.dispose]();
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#setting = {};
  }

  #fire(): void {
    const waits = this.#ready();
    if (waits === undefined) return this.#due();
    const mine = this.#setting;
    void waits.then(() => {
      if (this.#setting === mine) this.#due();
    });
  }
}
