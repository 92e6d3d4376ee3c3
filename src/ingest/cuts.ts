// Watches that are cut though they work: a balancer may close every connection after 20 s. They are resumed and nothing is
// lost, so that a line a minute says enough, for all resources together. Pure.

/** Between two lines, in milliseconds. */
export const CUTS_MILLISECONDS = 60_000;

/** Changed in place by {@link noteCut} alone. */
export interface Cuts {
  /** Cuts that no line has counted yet. */
  count: number;
  /** When the last line was; undefined before the first. */
  reportedAt: number | undefined;
}

/** Notes that a watch was cut at `at`, by a clock that never goes back; returns the line that is due. */
export function noteCut(cuts: Cuts, cause: string, at: number): string | undefined {
  cuts.count++;
  if (cuts.reportedAt !== undefined && at - cuts.reportedAt < CUTS_MILLISECONDS) return undefined;
  const { count, reportedAt } = cuts;
  cuts.reportedAt = at;
  cuts.count = 0;
  if (reportedAt === undefined || count === 1) return `a watch was cut and is resumed: ${cause}`;
  const seconds = Math.round((at - reportedAt) / 1000);
  return `${count} watches were cut in the last ${seconds} s and resumed; the last one: ${cause}`;
}
