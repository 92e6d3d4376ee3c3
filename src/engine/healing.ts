// When to put our rules back after another program has changed them: at once, unless it happens again and again. Why not
// always at once? Two programs that rewrite each other's rules use up the node's CPU, and packets meet both in turn.

/** How many times rules are put back at once within {@link WINDOW_MILLISECONDS}. */
const AT_ONCE_MAX = 5;
const WINDOW_MILLISECONDS = 60_000;

/** The times at which rules were put back, in milliseconds of a clock that never goes back, oldest first. */
export type Healings = readonly number[];

/** How many milliseconds from `now` to wait before rules are put back again. */
export function healingDelay(healings: Healings, now: number): number {
  const recent = healings.filter((time) => now - time < WINDOW_MILLISECONDS);
  return recent.length < AT_ONCE_MAX ? 0 : recent.at(-AT_ONCE_MAX)! + WINDOW_MILLISECONDS - now;
}

/** `healings` with one at `now`. Those that left the window are dropped. */
export function healedAt(healings: Healings, now: number): Healings {
  return [...healings.filter((time) => now - time < WINDOW_MILLISECONDS), now];
}
