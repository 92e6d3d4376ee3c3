// Reports the progress of long work.

import { log } from "./log.ts";

/** Milliseconds between two lines for a person at a terminal, and between two in a file or another program's log. */
const EVERY = { terminal: 1000, log: 5000 } as const;

/** When progress is reported, and where. */
export interface ProgressPace {
  /** Milliseconds since any beginning. */
  now(): number;
  /** Milliseconds between two lines, and before the first. */
  readonly every: number;
  say(line: string): void;
}

/** A function to call with the count so far. It says a line now and then. */
export function progress(what: string, { now, every, say } = paceOfLog()): (count: number) => void {
  let last = now();
  return (count) => {
    if (now() - last < every) return;
    last = now();
    say(`${what}: ${count.toLocaleString("en")}`);
  };
}

function paceOfLog(): ProgressPace {
  return {
    now: () => performance.now(),
    every: Deno.stderr.isTerminal() ? EVERY.terminal : EVERY.log,
    say: (line) => log.info(line),
  };
}
