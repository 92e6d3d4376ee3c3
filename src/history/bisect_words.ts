// The text that `bisect` prints: a commit with its cause and what it changed for the packet, or why no commit was found.

import type { NotBounded, PacketFlip } from "./packet_bisect.ts";
import { outcomeLines, outcomesText } from "./packet_words.ts";
import { causeText } from "./cause_words.ts";
import { changeText, driftText, type TimeText } from "./record_words.ts";
import { shortened } from "./shortened.ts";
import { groupedText } from "./table_words.ts";
import type { Outcome, Packet } from "./trace.ts";

/** Where a person finds what a long answer leaves out. */
const REST = ": --json has them";

/** Lines about one commit: its cause, its changes, and where the packet went before and after it. */
export function flipLines(
  packet: Packet,
  { holds, commit, cause, changes, before, after }: PacketFlip,
  timeText: TimeText,
): string[] {
  const listed = (name: string, outcomes: readonly Outcome[]) => [
    `  ${name}`,
    ...outcomeLines(packet, outcomes, REST).map((line) => `    ${line}`),
  ];
  const { shown, more } = shortened(changes);
  return [
    `${holds ? "good again" : "the first bad commit is"} @${commit.offset}  ${timeText(commit.time)}`,
    `  ${causeText(cause, timeText)}`,
    ...shown.map((change) => `    ${changeText(change)}`),
    ...(more.length === 0 ? [] : [`    and ${groupedText(more.length)} more changes${REST}`]),
    ...listed("before", before),
    ...listed("after", after),
  ];
}

/** The question that `bisect` was asked. */
export interface BisectQuestion {
  readonly packet: Packet;
  readonly good: number;
  readonly bad: number;
  /** The value of `--expect`, as the user wrote it. */
  readonly expect: string;
}

/** Lines that say why no search between the two positions is possible. */
export function notBoundedLines(
  { packet, good, bad, expect }: BisectQuestion,
  answer: NotBounded,
  timeText: TimeText,
): string[] {
  const listed = (outcomes: readonly Outcome[]) => outcomesText(packet, outcomes, ", ");
  return [
    ...(answer.good === undefined
      ? []
      : [`GOOD, @${good}, is not as expected (--expect ${expect}): ${listed(answer.good)}`]),
    ...(answer.bad === undefined ? [] : [
      `BAD, @${bad}, is as expected (--expect ${expect}): ${listed(answer.bad)}`,
      "where it went wrong and is right again: --all prints each change, or name an earlier BAD",
    ]),
    ...answer.drift.map(({ offset, record }) =>
      `between the two positions our tables were changed: @${offset} ${timeText(record.time)} ${
        driftText(record)
      }`
    ),
  ];
}
