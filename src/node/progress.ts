// Reports the progress of long work.

import { log } from "./log.ts";

/** A function to call with the count so far. It logs at most once a second, and not in the first second. */
export function progress(what: string): (count: number) => void {
  let last = performance.now();
  return (count) => {
    if (performance.now() - last < 1000) return;
    last = performance.now();
    log.info(`${what}: ${count.toLocaleString("en")}`);
  };
}
