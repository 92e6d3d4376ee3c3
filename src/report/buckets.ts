// Values over time, grouped into intervals of equal length, so that a chart of a million values is drawn as fast as one
// of a hundred. An interval is called a stretch here; nft's intervals are something else.

import { ascending, percentile } from "../history/percentile.ts";

/** Values with one time. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly values: readonly number[];
}

/** The columns of a chart. Each stretch that has values is one row. */
export interface Buckets {
  /** Middle of the stretch, in seconds since 1970. */
  readonly seconds: readonly number[];
  readonly count: readonly number[];
  readonly median: readonly number[];
  /** The 99th percentile. */
  readonly high: readonly number[];
}

/** Lengths that are round on a clock, in milliseconds. */
const ROUND = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * 3_600_000),
];

/** The shortest round length of which at most `most` cover `length` milliseconds; where none does, whole days. */
export function stretchOf(length: number, most: number): number {
  const day = ROUND.at(-1)!;
  return ROUND.find((stretch) => length / stretch <= most) ?? Math.ceil(length / most / day) * day;
}

/** `samples` in stretches of `stretch` milliseconds. Stretches without a value are left out. */
export function bucketed(samples: readonly Sample[], stretch: number): Buckets {
  const stretches = new Map<number, number[]>();
  for (const { time, values } of samples) {
    if (values.length === 0) continue;
    const at = Math.floor(time / stretch);
    const gathered = stretches.get(at);
    if (gathered === undefined) stretches.set(at, [...values]);
    else for (const value of values) gathered.push(value);
  }
  const rows = [...stretches].sort(([a], [b]) => a - b)
    .map(([at, values]): [number, number[]] => [at, ascending(values)]);
  return {
    seconds: rows.map(([at]) => (at + 0.5) * stretch / 1000),
    count: rows.map(([, values]) => values.length),
    median: rows.map(([, values]) => percentile(values, 0.5)!),
    high: rows.map(([, values]) => percentile(values, 0.99)!),
  };
}
