// When to put our rules back after another program has changed them: at once, unless that happens again and again. Two
// programs that rewrite each other's rules serve neither.

/** How often rules are put back at once, within {@link WINDOW_MILLISECONDS}. */
const AT_ONCE_MAX = 5;
const WINDOW_MILLISECONDS = 60_000;

/** When rules were last put back, in milliseconds of a clock that never goes back, oldest first. */
export type Healings = readonly number[];

/** How many milliseconds from `now` to wait, given when rules were put back before. */
export function healingDelay(healings: Healings, now: number): number {
  const recent = healings.filter((time) => now - time < WINDOW_MILLISECONDS);
  return recent.length < AT_ONCE_MAX ? 0 : recent.at(-AT_ONCE_MAX)! + WINDOW_MILLISECONDS - now;
}

/** `healings` with one at `now`; those that do not matter any more are dropped. */
export function healedAt(healings: Healings, now: number): Healings {
  return [...healings.filter((time) => now - time < WINDOW_MILLISECONDS), now];
}
