// Returns unused memory to the system after a load of many objects, and when changes have left much garbage. V8 and malloc would
// keep it: at 10,000 Services the load leaves more than the memory in use, and V8 keeps the pages that its own collections
// have emptied. What the runtime or the system cannot do is left out: `gc` is there with --v8-flags=--expose-gc, and
// not every C library has malloc_trim.

import { openLibc } from "../kernel/libc.ts";
import { readSpecial } from "../kernel/special_files.ts";
import { SystemError } from "../kernel/system_error.ts";
import { everySecond } from "../second.ts";
import { unwrittenParts } from "./program_pages.ts";

/** From so many objects or records on, freeing memory is worth the pause (0.1 s at 10,000 Services). */
const BULK = 5000;
/** How long after the last load memory is freed: changes that came with the load must not wait for the pause. */
const QUIET_MILLISECONDS = 1000;
/**
 * How often that is put off while the load is at work: it is followed by a snapshot, and closed segments are compressed. What that
 * leaves is as much as the load itself. A disk may hang, so there is a bound.
 */
const PUT_OFF_MAX = 60;

/** After so many objects or records malloc is asked for free pages again: small changes leave them too, spread over all threads. */
const TRIMMED = 10_000;

/**
 * How much the heap of a node that rests has grown when it is collected, as a share of what the last collection left: the collection
 * has followed so many changes then that it is a few hundredths of their CPU time.
 */
const GROWN_SHARE = 1 / 4;
/** A heap that the last collection left smaller than this is collected in about 40 ms. */
const SMALL_HEAP_BYTES = 30e6;
/** After so many seconds without a change a node rests: the longer a collection takes, the surer it should be that no change waits. */
const REST_SECONDS = 1;
const REST_SECONDS_LARGE = 10;
/** How often a node is looked at that goes on resting: answers to requests leave garbage too. */
const LOOK_SECONDS = 60;
/**
 * The first time a node rests after so many changes, memory is freed however little the heap has grown: meanwhile the runtime has
 * compiled what follows changes, and what that needed is as much as 100 changes of a small node leave. After a rehearsal too: the pages of
 * code that changes need are mapped again, 24 MB at 10,000 Services.
 */
const WARMED_UP = 50;

/** Frees memory after each big load, and now and then. Dispose of it to stop. */
export class MemoryRelease implements Disposable {
  readonly #isAtWork: () => boolean;
  readonly #quiet: number;
  readonly #heapBytes: () => number;
  readonly #seconds: Disposable;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #started = false;
  /** Objects and records since malloc was asked last. */
  #noted = 0;
  /** Bytes of the heap that were in use after the last collection; undefined before the first one, which a load leads to. */
  #live: number | undefined;
  /** Whole seconds since the last change. */
  #rested = 0;
  /** Objects and records since the first collection; undefined once memory was freed after {@link WARMED_UP} of them. */
  #warming: number | undefined = 0;

  /**
   * `isAtWork`: whether something goes on that needs memory, and leaves it unused. `heapBytes`: bytes of V8's heap that are in use, as
   * far as V8 knows.
   */
  constructor(
    isAtWork: () => boolean,
    quiet = QUIET_MILLISECONDS,
    heapBytes = () => Deno.memoryUsage().heapUsed,
    each: (work: () => void) => Disposable = everySecond,
  ) {
    this.#isAtWork = isAtWork;
    this.#quiet = quiet;
    this.#heapBytes = heapBytes;
    this.#seconds = each(() => this.#look());
  }

  /** Notes a load of `count` objects or records. The first load always counts as big, because the start was. */
  noteLoad(count: number): void {
    this.#noted += count;
    if (count > 0) this.#rested = -1;
    if (this.#warming !== undefined && this.#live !== undefined) this.#warming += count;
    if (this.#noted >= TRIMMED) {
      this.#noted = 0;
      void trimMemory();
    }
    if (count < BULK && this.#started) return;
    this.#started = true;
    clearTimeout(this.#timer);
    this.#freeLater(PUT_OFF_MAX);
  }

  /** What a rehearsal left is freed as after a load. */
  noteRehearsal(): void {
    clearTimeout(this.#timer);
    this.#freeLater(PUT_OFF_MAX);
  }

  #freeLater(puttingOff: number): void {
    this.#timer = setTimeout(() => {
      if (puttingOff > 0 && this.#isAtWork()) this.#freeLater(puttingOff - 1);
      else this.#free();
    }, this.#quiet);
  }

  /** Collects a node that rests, where the heap has grown much since the last collection. One that never rests is left to V8. */
  #look(): void {
    if (this.#live === undefined && !this.#started) {
      // No server answers. What that leaves would fill the room that a start has.
      if (++this.#rested >= LOOK_SECONDS) this.#free();
      return;
    }
    if (this.#live === undefined || this.#isAtWork()) return;
    this.#rested++;
    const small = this.#live < SMALL_HEAP_BYTES;
    const rest = small ? REST_SECONDS : REST_SECONDS_LARGE;
    const rests = this.#rested === rest || this.#rested % LOOK_SECONDS === LOOK_SECONDS - 1;
    if (rests && this.#warming !== undefined && this.#warming >= WARMED_UP) {
      this.#warming = undefined;
      return this.#free();
    }
    if (rests && this.#heapBytes() > this.#live * (1 + GROWN_SHARE)) this.#free();
  }

  #free(): void {
    freeMemory();
    this.#live = this.#heapBytes();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#seconds[Symbol.dispose]();
  }
}

/** madvise(2): the pages are not needed soon. Those of a file are read again once they are. */
const MADV_DONTNEED = 4;

/**
 * Collects the garbage of this thread, gives free pages of malloc back to the system, and unmaps code. Why the last resort, which
 * collects at least twice? V8 keeps the pages that another collection has emptied.
 */
function freeMemory(): void {
  const { gc } = globalThis as { gc?: (options: { type: "major"; flavor: "last-resort" }) => void };
  gc?.({ type: "major", flavor: "last-resort" });
  const libc = openLibc({
    malloc_trim: { parameters: ["usize"], result: "i32", optional: true },
    madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  });
  libc.symbols.malloc_trim?.(0n);
  for (const { from, length } of unwrittenParts(parts())) {
    libc.symbols.madvise(from, length, MADV_DONTNEED);
  }
  libc.close();
}

/** Gives free pages of malloc back to the system, on another thread: the loop goes on meanwhile. */
async function trimMemory(): Promise<void> {
  const libc = openLibc({
    malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true, optional: true },
  });
  await libc.symbols.malloc_trim?.(0n);
  libc.close();
}

/** The parts of this process' memory. A kernel without CONFIG_PROC_PAGE_MONITOR does not say what was written. */
function parts(): string {
  try {
    return readSpecial("/proc/self/smaps");
  } catch (error) {
    if (error instanceof SystemError) return "";
    throw error;
  }
}
