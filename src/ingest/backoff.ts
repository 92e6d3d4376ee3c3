// The pause before a request is retried. It doubles with each failure and is spread at random, so that the proxies of a
// cluster do not retry together. The random numbers follow from a seed: equal seeds give equal pauses.

/** Lengths of pauses in milliseconds. */
export interface BackoffTimes {
  /** Longest pause after the first failure. It doubles with each failure; a pause is drawn from the upper half of it. */
  readonly backoffMilliseconds: number;
  /** Longest pause after any number of failures. */
  readonly backoffMaxMilliseconds: number;
}

/** A generator of random numbers (mulberry32). Each draw changes the seed. */
export interface Draws {
  seed: number;
}

/** The next random number of `draws`: at least 0, below 1. */
export function draw(draws: Draws): number {
  draws.seed = (draws.seed + 0x6d2b79f5) | 0;
  let t = Math.imul(draws.seed ^ (draws.seed >>> 15), draws.seed | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** The pause in milliseconds after a failure that followed `failures` others in a row. */
export function backoff(failures: number, times: BackoffTimes, draws: Draws): number {
  const longest = Math.min(times.backoffMaxMilliseconds, times.backoffMilliseconds * 2 ** failures);
  return longest / 2 + draw(draws) * longest / 2;
}
