// Percentiles of measured values.

/** The value that `share` (0 to 1) of `values` are below; NaN where there is none. */
export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}
