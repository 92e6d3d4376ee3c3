// Percentiles of measured values.

/** The value below which `share` (0 to 1) of `values` lie; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}
