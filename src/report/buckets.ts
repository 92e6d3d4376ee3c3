// Values over time, put into equal stretches, so that a chart of a million values is as large as one of a hundred.

import { percentile } from "./latency.ts";

/** Values that belong to one moment. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly values: readonly number[];
}

/** Columns of a chart: one row a stretch of time that has values. */
export interface Buckets {
  /** Middle of the stretch, in seconds since 1970. */
  readonly seconds: readonly number[];
  readonly count: readonly number[];
  readonly median: readonly number[];
  /** The 99th percentile. */
  readonly high: readonly number[];
}

/** Lengths of a stretch that people find round, in milliseconds. */
const ROUND = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * 3_600_000),
];

/** The shortest round stretch of which at most `most` cover `length` milliseconds; whole days beyond that. */
export function stretchOf(length: number, most: number): number {
  const day = ROUND.at(-1)!;
  return ROUND.find((stretch) => length / stretch <= most) ?? Math.ceil(length / most / day) * day;
}

/** `samples` in stretches of `stretch` milliseconds; those without a value are left out. */
export function bucketed(samples: readonly Sample[], stretch: number): Buckets {
  const stretches = new Map<number, number[]>();
  for (const { time, values } of samples) {
    if (values.length === 0) continue;
    const at = Math.floor(time / stretch);
    const gathered = stretches.get(at);
    if (gathered === undefined) stretches.set(at, [...values]);
    else for (const value of values) gathered.push(value);
  }
  const rows = [...stretches].sort(([a], [b]) => a - b);
  return {
    seconds: rows.map(([at]) => (at + 0.5) * stretch / 1000),
    count: rows.map(([, values]) => values.length),
    median: rows.map(([, values]) => percentile(values, 0.5)!),
    high: rows.map(([, values]) => percentile(values, 0.99)!),
  };
}
