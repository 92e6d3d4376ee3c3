// The text that `latency` prints: a line for each stage, with the slowest change.

import type { Latency } from "./change_latency.ts";
import type { TimeText } from "./record_words.ts";
import { lengthText, rangeText, tableLines } from "./table_words.ts";

/** The stages as a table. */
export function latencyLines({ from, through, clock, stages }: Latency, timeText: TimeText): string[] {
  const length = (milliseconds: number | null) => milliseconds === null ? "-" : lengthText(milliseconds);
  const rows = stages.map(({ stage, count, p50, p99, worst }) => [
    stage,
    String(count),
    length(p50),
    length(p99),
    length(worst?.milliseconds ?? null),
    worst === null
      ? ""
      : `@${worst.offset} ${worst.what}, arrived ${timeText(worst.time)}${
        worst.commit === null ? "" : `, committed by @${worst.commit}`
      }`,
  ]);
  const played = "a recording was played into this ledger: arrivals and commits have two clocks";
  return [
    rangeText(from, through),
    ...(clock === "played" ? [played] : []),
    ...tableLines([["STAGE", "CHANGES", "P50", "P99", "WORST", "OF"], ...rows]),
  ];
}
