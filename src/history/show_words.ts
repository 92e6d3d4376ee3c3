// The text that `show` prints: comments about a record and its commit, then rules that nft can load.

import { countText } from "../count_text.ts";
import type { PlacedCommit } from "./cause.ts";
import { changeText, foldedText, recordText, type TimeText, writerText } from "./record_words.ts";
import type { ShownPosition, Uncommitted } from "./show.ts";

/** Most events, and most changes, of a commit that are printed. */
const SHOWN_MAX = 100;

/** A script for `nft -f`. Its comments describe the record, the commit and the changes. */
export function positionLines(
  { offset, record, events, commit, damage, uncommitted = "not yet", rules, missing }: ShownPosition,
  timeText: TimeText,
): string[] {
  const head = (at: number, { time }: { readonly time: string }) => `@${at}  ${timeText(time)}`;
  const comments = [
    `${head(offset, record)}  ${recordText(record)}`,
    damage !== undefined
      ? `its commit cannot be read: ${damage}`
      : commit === null
      ? UNCOMMITTED[uncommitted]
      : commitText(commit, timeText),
    ...cut(
      events.map(({ offset, record, writer }) =>
        `  ${head(offset, record)}  ${recordText(record)}${
          writer === undefined ? "" : `, written by ${writerText(writer)}`
        }`
      ),
    ),
    ...(missing === null ? [] : [missing]),
    ...cut((commit?.record.changes ?? []).map((change) => `  ${changeText(change)}`)),
  ];
  return [...comments.map((line) => `# ${line}`), "", ...rules.split("\n")];
}

const UNCOMMITTED: Readonly<Record<Uncommitted, string>> = {
  "no change": "it changes no rule, so no commit follows from it",
  "no commits": "nothing was committed: this ledger made no rules",
  "not yet": "not committed yet",
};

function commitText({ offset, record }: PlacedCommit, timeText: TimeText): string {
  const { time, outcome, operations, microseconds, generation, error } = record;
  const what = outcome === "committed"
    ? `committed with ${
      countText(operations, "operation")
    } in ${microseconds} us, kernel generation ${generation}`
    : `rejected: ${error}`;
  return `@${offset}  ${timeText(time)}  ${foldedText(record)} ${what}`;
}

/** The first lines of a long list, and a line that says how many more there are. */
function cut(lines: readonly string[]): string[] {
  const more = lines.length - SHOWN_MAX;
  return more <= 0 ? [...lines] : [...lines.slice(0, SHOWN_MAX), `  and ${more} more: --json has them all`];
}
