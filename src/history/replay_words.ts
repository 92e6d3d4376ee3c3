// The text that `replay` prints for a commit that differs: both sides.

import type { CommittedChange } from "../ledger/record.ts";
import { changeText } from "./record_words.ts";
import type { ReplayDifference } from "./replay_part.ts";

/** Most changes of each side that are printed. */
const SHOWN_MAX = 20;

/** Lines for the commit as it was recorded, and as this program makes it. */
export function replayDifferenceLines(
  { offset, record, changes, digest, misfits }: ReplayDifference,
): string[] {
  return [
    `the commit @${offset} of @${record.from} to @${record.through} comes out differently`,
    ...misfits.map((misfit) => `    ${misfit}`),
    ...sideLines("as it was", record.digest, record.changes),
    ...sideLines("as it is now", digest, changes),
  ];
}

function sideLines(name: string, digest: string, changes: readonly CommittedChange[]): string[] {
  const more = changes.length - SHOWN_MAX;
  return [
    `${name}, digest ${digest}:`,
    ...changes.slice(0, SHOWN_MAX).map((change) => `    ${changeText(change)}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}
