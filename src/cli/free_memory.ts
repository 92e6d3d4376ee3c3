// Gives memory back to the system that a load of many objects leaves behind: V8 and malloc would keep it, and at 10,000
// Services that is more than what lives on. Nothing happens where the runtime has no `gc` (--v8-flags=--expose-gc) or the
// C library no malloc_trim.

/** Records in one batch from which on freeing what it left is worth the pause (0.1 s at 10,000 Services). */
const BULK_RECORDS = 5000;

/** Frees what reading `records` records has left behind, if they were many. */
export function freeMemory(records: number): void {
  if (records < BULK_RECORDS) return;
  const { gc } = globalThis as { gc?: (options: { type: "major"; flavor: "last-resort" }) => void };
  gc?.({ type: "major", flavor: "last-resort" });
  const libc = Deno.dlopen("libc.so.6", {
    malloc_trim: { parameters: ["usize"], result: "i32", optional: true },
  });
  libc.symbols.malloc_trim?.(0n);
  libc.close();
}
