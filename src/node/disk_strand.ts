// Does work on a disk without blocking: one piece after the other, each call of it on another thread of the runtime. The disk may
// hang in a call for ever; then the strand stands still, and nothing else does.

import type { DiskCall, DiskWork, Waitable } from "../ledger/disk_work.ts";

/**
 * How soon the strand looks by itself whether a call is done for which no commit waits, in milliseconds. A loop that takes changes looks
 * more often, at each of them, so this is for the last of a series.
 */
const LOOK_MILLISECONDS = 500;

/** Pieces of work that follow each other. */
export class DiskStrand implements Disposable {
  readonly #onFault: (error: unknown) => void;
  readonly #onLook: () => void;
  readonly #queue: DiskWork<void>[] = [];
  #work: DiskWork<void> | undefined;
  /** The call that is under way, where this thread can wait for it. */
  #waitable: Waitable<void> | undefined;
  /** Resolved once the call is done that is under way and for which this thread cannot wait. */
  #away: Promise<void> | undefined;
  /** One promise for all who wait for that: it may hang for days. */
  #back: Promise<void> | undefined;
  /** Whether work is running, so that it cannot go on. */
  #going = false;
  #stopped = false;
  #look: ReturnType<typeof setTimeout> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** `onFault` receives what work throws; that work is over. `onLook` is called before the strand looks by itself. */
  constructor(onFault: (error: unknown) => void, onLook = () => {}) {
    this.#onFault = onFault;
    this.#onLook = onLook;
  }

  /** Does `work` after all that was pushed before. */
  push(work: DiskWork<void>): void {
    this.#queue.push(work);
    this.goOn();
  }

  /** Goes as far as calls are done. What the work itself asks for is done by the call that runs it. */
  goOn(): void {
    if (this.#going || this.#stopped) return;
    // Each batch looks here several times, and mostly nothing is under way.
    if (this.isIdle && this.#idle === undefined) return;
    this.#guarded(() => {
      while (this.#step());
    });
    if (this.#waitable !== undefined) this.lookLater();
    if (this.#work === undefined) this.#idle?.resolve();
  }

  /** The strand will look by itself, no later than in {@link LOOK_MILLISECONDS}. */
  lookLater(): void {
    if (!this.#stopped) this.#look ??= setTimeout(() => this.#lookAgain(), LOOK_MILLISECONDS);
  }

  /** Runs `steps`; meanwhile {@link goOn} does nothing. */
  #guarded(steps: () => void): void {
    this.#going = true;
    try {
      steps();
    } finally {
      this.#going = false;
    }
  }

  /** Whether nothing is left to do. */
  get isIdle(): boolean {
    return this.#work === undefined && this.#queue.length === 0;
  }

  /** Blocks until `reached`, at most so many milliseconds, and not for calls that answer through the event loop. */
  wait(reached: () => boolean, milliseconds: number): boolean {
    const deadline = performance.now() + milliseconds;
    for (this.goOn(); !reached(); this.goOn()) {
      const rest = deadline - performance.now();
      if (this.#waitable === undefined || rest <= 0) return false;
      this.#waitable.wait(rest);
    }
    return true;
  }

  /** Resolves once no call is under way that answers through the event loop; undefined where there is none. */
  get away(): Promise<void> | undefined {
    return this.#away && (this.#back ??= this.#come());
  }

  async #come(): Promise<void> {
    while (this.#away !== undefined) await this.#away;
    this.#back = undefined;
  }

  /** Resolves once all work is done. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise.then(() => {
      this.#idle = undefined;
      return this.idle();
    });
  }

  /** Looks at no call any more. */
  [Symbol.dispose](): void {
    clearTimeout(this.#look);
    this.#stopped = true;
  }

  #lookAgain(): void {
    this.#look = undefined;
    this.#onLook();
    this.goOn();
  }

  /** One step; false where a call is under way, or nothing is left. */
  #step(): boolean {
    if (this.#away !== undefined || this.#waitable?.done === false) return false;
    const waitable = this.#waitable;
    this.#waitable = undefined;
    this.#work ??= this.#queue.shift();
    const work = this.#work;
    if (work === undefined) return false;
    if (waitable === undefined) this.#advance(() => work.next());
    else this.#resume(work, () => waitable.result());
    return true;
  }

  #resume(work: DiskWork<void>, take: () => void): void {
    try {
      take();
    } catch (error) {
      return this.#advance(() => work.throw(error));
    }
    this.#advance(() => work.next());
  }

  /** Goes on with the work that is under way, and begins its next call. */
  #advance(next: () => ReturnType<DiskWork<void>["next"]>): void {
    try {
      const { done, value } = next();
      if (done) this.#work = undefined;
      else this.#begin(this.#work!, value);
    } catch (error) {
      this.#work = undefined;
      this.#onFault(error);
    }
  }

  #begin(work: DiskWork<void>, call: DiskCall): void {
    let begun: Promise<void> | Waitable<void>;
    try {
      begun = call.later();
    } catch (error) {
      return this.#advance(() => work.throw(error));
    }
    if (begun instanceof Promise) this.#leave(work, begun);
    else this.#waitable = begun;
  }

  #leave(work: DiskWork<void>, call: Promise<void>): void {
    const end = (take: () => void) => {
      this.#away = undefined;
      if (this.#stopped) return;
      this.#guarded(() => this.#resume(work, take));
      this.goOn();
    };
    this.#away = call.then(() => end(() => {}), (error) =>
      end(() => {
        throw error;
      }));
  }
}
