// Work on a disk, written once for callers that may wait in a system call and for those that may not: a generator that yields each
// call. `atOnce` makes the calls one after the other and blocks. The running node makes them on other threads (node/disk_strand.ts).
// Why not promises alone? Rules follow records that are in the file, and their path from the event is synchronous.

/** One call of the system. */
export interface DiskCall {
  /** Makes the call, and blocks until it is done. Throws the system's error. */
  now(): void;
  /** Has another thread make the call. */
  later(): Promise<void> | Waitable<void>;
}

/** A call on another thread for which this thread can wait. */
export interface Waitable<Result> {
  readonly done: boolean;
  /** Blocks until it is done, at most so many milliseconds. */
  wait(milliseconds: number): void;
  /** To be called once it is done. Throws the system's error. */
  result(): Result;
}

/** Work that leads to a `Result`. */
export type DiskWork<Result> = Generator<DiskCall, Result, void>;

/** A call as work: its result, or the error that it throws. */
export function* call<Result>(
  now: () => Result,
  later: () => Promise<Result> | Waitable<Result>,
): DiskWork<Result> {
  const made = new MadeCall(now, later);
  yield made;
  return made.taken;
}

/**
 * A call, to be yielded, and its result once it is done: {@link call} without its generator. Why a class? A getter of an object literal
 * is another one for each object.
 */
export class MadeCall<Result> implements DiskCall, Waitable<void> {
  readonly #now: () => Result;
  readonly #later: () => Promise<Result> | Waitable<Result>;
  #begun: Waitable<Result> | undefined;
  #made: { readonly result: Result } | undefined;

  constructor(now: () => Result, later: () => Promise<Result> | Waitable<Result>) {
    this.#now = now;
    this.#later = later;
  }

  now(): void {
    this.#made = { result: this.#now() };
  }

  later(): Promise<void> | Waitable<void> {
    const begun = this.#later();
    if (begun instanceof Promise) return begun.then((result) => void (this.#made = { result }));
    this.#begun = begun;
    return this;
  }

  get done(): boolean {
    return this.#begun!.done;
  }

  wait(milliseconds: number): void {
    this.#begun!.wait(milliseconds);
  }

  result(): void {
    this.#made = { result: this.#begun!.result() };
  }

  /** The result. Throws where the call was not made. */
  get taken(): Result {
    if (this.#made === undefined) throw new TypeError("the call was not made");
    return this.#made.result;
  }
}

/** Does `work` on this thread. */
export function atOnce<Result>(work: DiskWork<Result>): Result {
  let step = work.next();
  while (!step.done) {
    const { value } = step;
    step = outcome(() => value.now()) ?? work.next();
  }
  return step.value;

  function outcome(make: () => void): IteratorResult<DiskCall, Result> | undefined {
    try {
      make();
      return undefined;
    } catch (error) {
      return work.throw(error);
    }
  }
}
