// Restarts in place: after a fault the loop starts again in the same process, from the ledger and the kernel, while the
// rules stay as they are. At once, and then after pauses that double, so that a fault which comes back costs little.

const FIRST_PAUSE = 1000;
const PAUSE_MAX = 30_000;
/** So long without a fault, in milliseconds, and the next one counts as the first. */
const QUIET = 10 * 60_000;

/** The restarts so far. */
export interface Restarts {
  /** Since the program was last quiet. */
  readonly count: number;
  /** When the last fault was, in milliseconds of a clock that never goes back. */
  readonly last: number;
}

export const NO_RESTARTS: Restarts = { count: 0, last: -Infinity };

/** The restarts with one more, for a fault at `now`. */
export function restartedAt({ count, last }: Restarts, now: number): Restarts {
  return { count: now - last > QUIET ? 1 : count + 1, last: now };
}

/** How long to wait before the last of `restarts`, in milliseconds. */
export function restartPause({ count }: Restarts): number {
  return count <= 1 ? 0 : Math.min(PAUSE_MAX, FIRST_PAUSE * 2 ** (count - 2));
}

/** What {@link restarting} goes by. */
export interface Restarting {
  /** Whether the loop may start again after `error`; else it is thrown. */
  mayRestart(error: unknown): boolean;
  /** Receives each fault and the pause before the next start, in milliseconds. */
  restarts(error: unknown, pause: number): void;
  /** Ends a pause, and with it all restarts. */
  readonly stop: AbortSignal;
}

/** Runs `live` until it returns. What it throws starts it again; returns undefined when `stop` comes in a pause. */
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
      if (!await rested(restartPause(done), stop)) return undefined;
    }
  }
}

/** Waits; whether it was to the end. */
async function rested(milliseconds: number, stop: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const end = () => resolve();
  stop.addEventListener("abort", end);
  await promise;
  clearTimeout(timer);
  stop.removeEventListener("abort", end);
  return !stop.aborted;
}
