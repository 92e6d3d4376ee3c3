// Restarts the loop in place: after a fault it starts again in the same process, from ledger and kernel, and the rules stay as
// they are meanwhile. The first restart is at once, later ones wait for pauses that double, so that a fault that returns costs
// little. Why not exit, to be started again? Health checks and metrics would be gone meanwhile, and no program might start it.

import { pause } from "../pause.ts";

/** The pause before the second restart, in milliseconds. */
const FIRST_PAUSE = 1000;
/** The longest pause, in milliseconds. */
const PAUSE_MAX = 30_000;
/** After so many milliseconds without a fault the next one counts as the first. */
const QUIET = 10 * 60_000;

/** The restarts of a loop. */
export interface Restarts {
  /** How many there were since the program was last quiet. */
  readonly count: number;
  /** When the last fault was, in milliseconds of a monotonic clock. */
  readonly last: number;
}

export const NO_RESTARTS: Restarts = { count: 0, last: -Infinity };

/** `restarts` with one more, for a fault at `now`. */
export function restartedAt({ count, last }: Restarts, now: number): Restarts {
  return { count: now - last > QUIET ? 1 : count + 1, last: now };
}

/** The pause before the newest of `restarts`, in milliseconds. */
export function restartPause({ count }: Restarts): number {
  return count <= 1 ? 0 : Math.min(PAUSE_MAX, FIRST_PAUSE * 2 ** (count - 2));
}

/** The decisions of the caller of {@link restarting}. */
export interface Restarting {
  /** Whether the loop may start again after `error`; else `error` is thrown. */
  mayRestart(error: unknown): boolean;
  /** Receives each fault and the pause before the next start, in milliseconds. */
  restarts(error: unknown, pause: number): void;
  /** Ends a pause and all further restarts. */
  readonly stop: AbortSignal;
}

/** Runs `live` until it returns, again after each error. Returns undefined when `stop` aborts in a pause. */
export async function restarting<T>(
  live: () => Promise<T>,
  { mayRestart, restarts, stop }: Restarting,
): Promise<T | undefined> {
  for (let done = NO_RESTARTS;;) {
    try {
      return await live();
    } catch (error) {
      if (stop.aborted || !mayRestart(error)) throw error;
      done = restartedAt(done, performance.now());
      restarts(error, restartPause(done));
      await pause(restartPause(done), stop);
      if (stop.aborted) return undefined;
    }
  }
}
