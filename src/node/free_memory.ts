// Returns unused memory to the system after a load of many objects. V8 and malloc would keep it, and at 10,000 Services it is
// more than the memory in use. What the runtime or the system cannot do is left out: `gc` is there with --v8-flags=--expose-gc, and not
// every C library has malloc_trim.

import { openLibc } from "../kernel/libc.ts";
import { readSpecial } from "../kernel/special_files.ts";
import { SystemError } from "../kernel/system_error.ts";
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

/** Frees memory after each big load, and now and then. Dispose of it to stop. */
export class MemoryRelease implements Disposable {
  readonly #isAtWork: () => boolean;
  readonly #quiet: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #started = false;
  /** Objects and records since malloc was asked last. */
  #noted = 0;

  /** `isAtWork`: whether something goes on that needs memory, and leaves it unused. */
  constructor(isAtWork: () => boolean, quiet = QUIET_MILLISECONDS) {
    this.#isAtWork = isAtWork;
    this.#quiet = quiet;
  }

  /** Notes a load of `count` objects or records. The first load always counts as big, because the start was. */
  noteLoad(count: number): void {
    this.#noted += count;
    if (this.#noted >= TRIMMED) {
      this.#noted = 0;
      void trimMemory();
    }
    if (count < BULK && this.#started) return;
    this.#started = true;
    clearTimeout(this.#timer);
    this.#freeLater(PUT_OFF_MAX);
  }

  #freeLater(puttingOff: number): void {
    this.#timer = setTimeout(() => {
      if (puttingOff > 0 && this.#isAtWork()) this.#freeLater(puttingOff - 1);
      else freeMemory();
    }, this.#quiet);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** madvise(2): the pages are not needed soon. Those of a file are read again once they are. */
const MADV_DONTNEED = 4;

/** Collects the garbage of this thread, gives free pages of malloc back to the system, and unmaps code. */
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
