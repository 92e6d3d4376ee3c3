// The text that `outages` prints: a line for each, with its cause.

import type { Outage, RulesMoment } from "./outages.ts";
import type { TimeText } from "./record_words.ts";
import { lengthText, tableOr } from "./table_words.ts";

/** A line for each outage. */
export function outagesLines(outages: readonly Outage[], timeText: TimeText): string[] {
  const moment = (at: RulesMoment | null, none: string) => at === null ? none : timeText(at.time);
  const rows = outages.map(({ service, port, from, to, seconds, cause, ended, fresh }) => [
    service,
    port,
    moment(from, "before the range"),
    moment(to, "lasts"),
    seconds === null ? "" : lengthText(seconds * 1000),
    [
      cause === null ? "" : `@${cause.offset} ${cause.what}`,
      ...(fresh ? ["it never had an endpoint"] : []),
      ...(ended === null ? [] : [`ended by @${ended.offset} ${ended.what}`]),
    ].filter((text) => text !== "").join("; "),
  ]);
  return tableOr(
    "no Service lost its last endpoint",
    ["SERVICE", "PORT", "FROM", "TO", "FOR", "CAUSE"],
    rows,
  );
}
