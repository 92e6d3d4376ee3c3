// The text that `test` prints: for each assertion whether it holds, and what broke it.

import type { Checked } from "./journal_checks.ts";
import type { TimeText } from "./record_words.ts";

/** The result of one assertion as lines. */
export function checkedLines({ name, holds, text, commit, cause }: Checked, timeText: TimeText): string[] {
  if (holds) return [`ok      ${name}`];
  return [
    `BROKEN  ${name}: ${text}`,
    ...(commit === null ? [] : [`    first by the commit @${commit.offset} ${timeText(commit.time)}`]),
    ...(cause === null ? [] : [`    because of @${cause.offset} ${cause.what}, ${timeText(cause.time)}`]),
  ];
}
