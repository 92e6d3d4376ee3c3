// The part of a window's time that charts, lanes and slider show.

/** From begin to end, in milliseconds since 1970; never empty. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** Shortest range that can be shown, in milliseconds: the times in a ledger have no smaller unit. */
const SHORTEST = 20;

/** The range of a window from `first` to `last`, with a margin, so that marks at its ends are whole: half a second at least. */
export function wholeRange(first: number, last: number): Range {
  const margin = Math.max(500, (last - first) / 50);
  return { begin: first - margin, end: last + margin };
}

/** `range`, moved and shortened so that it is in `whole`. */
export function withinRange({ begin, end }: Range, whole: Range): Range {
  const length = Math.max(SHORTEST, end - begin);
  if (length >= whole.end - whole.begin) return whole;
  const first = Math.max(Math.min(begin, whole.end - length), whole.begin);
  return { begin: first, end: first + length };
}

/** `range` made `factor` times as long. The time `around` stays in its place. */
export function zoomed({ begin, end }: Range, around: number, factor: number): Range {
  return { begin: around - (around - begin) * factor, end: around + (end - around) * factor };
}

/** `range`, moved by `share` of its length. */
export function shifted({ begin, end }: Range, share: number): Range {
  const by = (end - begin) * share;
  return { begin: begin + by, end: end + by };
}
