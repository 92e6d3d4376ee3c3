// Gives memory back to the system that a load of many objects leaves behind: V8 and malloc would keep it, and at 10,000
// Services that is more than what lives on. Nothing happens where the runtime has no `gc` (--v8-flags=--expose-gc) or the
// C library no malloc_trim.

/** Objects or records handled at once from which on freeing what they left is worth the pause (0.1 s at 10,000 Services). */
const BULK = 5000;
/** So long after the last load, so that nothing waits for it that came with the load. */
const QUIET_MILLISECONDS = 1000;

/** Frees memory some time after each big load; dispose of it to stop. */
export class MemoryRelease implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #started = false;

  /** Notes that `count` objects or records have just been handled. The first load counts as big: starting was. */
  noteLoad(count: number): void {
    if (count < BULK && this.#started) return;
    this.#started = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(freeMemory, QUIET_MILLISECONDS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function freeMemory(): void {
  const { gc } = globalThis as { gc?: (options: { type: "major"; flavor: "last-resort" }) => void };
  gc?.({ type: "major", flavor: "last-resort" });
  const libc = Deno.dlopen("libc.so.6", {
    malloc_trim: { parameters: ["usize"], result: "i32", optional: true },
  });
  libc.symbols.malloc_trim?.(0n);
  libc.close();
}
