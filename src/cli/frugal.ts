// Keeps the memory of a long question small. Each segment leaves megabytes of garbage, and V8 would let them gather beside the rules that
// the node serves, up to several hundred. Nothing happens where the runtime has no `gc` (--v8-flags=--expose-gc).

import type { Progress } from "../ledger/ledger_view.ts";

/** So many reports of progress about segments lie between two collections: each takes 20 ms, and a question has less than a second. */
const REPORTS = 16;

/** `progress`, and garbage is collected now and then. `collect` does that. */
export function frugal(progress: Progress, collect: () => void = collectGarbage): Progress {
  let states = 0;
  return (work) => {
    const counted = progress(work);
    if (!work.includes("journal")) {
      // A second state is made of a snapshot while the first is in use: what the first left is collected before.
      if (++states > 1) collect();
      return counted;
    }
    let reports = 0;
    return (count) => {
      counted(count);
      if (++reports % REPORTS === 0) collect();
    };
  };
}

/** Collects the garbage of this thread. From the first collection on V8 follows what is in use (install/runtime_command.ts). */
export function collectGarbage(): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc === "function") gc();
}
