// Reports of cut watches. A load balancer may close every connection after 20 s, though it works. The watch is resumed and
// nothing is lost, so one log line a minute for all resources is enough. Pure.

/** Shortest time between two lines, in milliseconds. */
export const CUTS_MILLISECONDS = 60_000;

/** Cuts since the last line. Only {@link noteCut} changes it. */
export interface Cuts {
  /** How many cuts no line has reported yet. */
  count: number;
  /** Time of the last line; undefined before the first. */
  reportedAt: number | undefined;
}

/** Counts a cut at time `at`, in milliseconds of a clock that never goes back. Returns a line if one is due. */
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
