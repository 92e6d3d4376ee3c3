// How long to wait before a request is made again. The randomness is a value: equal seeds wait equally long.

/** Times of a pause in milliseconds. */
export interface BackoffTimes {
  /** First pause after a failure; doubled each time, up to `backoffMaxMilliseconds`, and drawn from its upper half. */
  readonly backoffMilliseconds: number;
  readonly backoffMaxMilliseconds: number;
}

/** A source of numbers that follow from a seed (mulberry32); changed by each draw. */
export interface Draws {
  seed: number;
}

/** The next number of `draws`, from 0 to below 1. */
export function draw(draws: Draws): number {
  draws.seed = (draws.seed + 0x6d2b79f5) | 0;
  let t = Math.imul(draws.seed ^ (draws.seed >>> 15), draws.seed | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** The pause in milliseconds after `failures` earlier failures in a row. */
export function backoff(failures: number, times: BackoffTimes, draws: Draws): number {
  const longest = Math.min(times.backoffMaxMilliseconds, times.backoffMilliseconds * 2 ** failures);
  return longest / 2 + draw(draws) * longest / 2;
}
