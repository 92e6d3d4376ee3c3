// The percentile of a list, for the command `latency` and a report's page: both must give the same number.

/**
 * The smallest value that at least the share `rank` (0 to 1) of `sorted`, which ascends, does not exceed; undefined where there is
 * none.
 */
export function percentile(sorted: readonly number[], rank: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)];
}

/** `values` as {@link percentile} needs them. */
export function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}
