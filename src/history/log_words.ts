// The text that `log` prints: a line for each record, and below a commit a line for each change.

import { countText } from "../count_text.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { isPortOf } from "./log.ts";
import { changeText, foldedText, recordText, type TimeText } from "./record_words.ts";

/** Lines about one record. `about`: of a commit only the changes of this Service, or of the ports with these names (`shop/web:http`). */
export function recordLines(
  { offset, record }: Placed,
  about: string | readonly string[] | undefined,
  timeText: TimeText,
): string[] {
  const head = `@${offset}  ${timeText(record.time)}  `;
  switch (record.kind) {
    case "commit": {
      const [first, ...changes] = commitLines(record, about);
      return [`${head}${first}`, ...changes];
    }
    case "drift":
    case "gap":
    case "event":
    case "config":
      return [`${head}${recordText(record)}`];
  }
}

function commitLines(commit: CommitRecord, about: string | readonly string[] | undefined): string[] {
  const { outcome, operations, microseconds, error, changesOmitted } = commit;
  const what = outcome === "committed"
    ? `commit of ${foldedText(commit)}: ${countText(operations, "operation")}, ${microseconds} us`
    : `rejected: ${error}`;
  const shown = commit.changes.filter(({ comment }) =>
    about === undefined ||
    (typeof about === "string" ? isPortOf(comment, about) : about.some((name) => name === comment))
  );
  const more = changesOmitted > 0 ? [`    and ${countText(changesOmitted, "more change")}`] : [];
  return [what, ...shown.map((change) => `    ${changeText(change)}`), ...more];
}
