// Tells that work goes on, once a second, when it takes longer than that.

import { log } from "./log.ts";

/** A function to call with the count so far; it speaks at most once a second, and not in the first. */
export function progress(what: string): (count: number) => void {
  let spoken = performance.now();
  return (count) => {
    if (performance.now() - spoken < 1000) return;
    spoken = performance.now();
    log.info(`${what}: ${count.toLocaleString("en")}`);
  };
}
