// The text that `blame` prints: an element, its cause and its commit.

import { elementText } from "../nft/text.ts";
import type { BlamedElement } from "./blame.ts";
import { causeText } from "./cause_words.ts";
import type { JournalCause } from "./outages.ts";
import type { TimeText } from "./record_words.ts";

/**
 * A line for the element, and below it a line each for its cause and its commit. `since`: the record with which the endpoint in it
 * began to get traffic, where that is another one than its cause.
 */
export function blameLines(element: BlamedElement, timeText: TimeText, since?: JournalCause): string[] {
  const { set, cause, commit, damage, target } = element;
  const head = `${set} { ${elementText(element)} }${target === undefined ? "" : `  ${target}`}`;
  if (cause === null) return [head, "    by the skeleton"];
  const committed = damage !== undefined
    ? `its commit cannot be read: ${damage}`
    : commit === null
    ? "not committed"
    : `committed @${commit.offset} ${timeText(commit.time)}, kernel generation ${commit.generation}`;
  const serves = since === undefined || since.offset === cause.offset ? [] : [
    `    serves since @${since.offset} ${since.what}, ${
      timeText(since.time)
    }: since then it only moved to this slot`,
  ];
  return [head, `    ${causeText(cause, timeText)}`, `    ${committed}`, ...serves];
}
