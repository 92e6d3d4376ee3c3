// The text that `log` prints: a line for each record, which says what it changed in its object; more lines where it changed more.

import { countText } from "../count_text.ts";
import type { LoggedChange } from "./changes_log.ts";
import type { JournalEntry } from "./journal.ts";
import { endpointChangeText, fieldChangeText } from "./object_diff.ts";
import { foldedText, type TimeText } from "./record_words.ts";
import { servedText } from "./service_condition.ts";
import { lengthText } from "./table_words.ts";
import { rfc3339 } from "./time_expression.ts";

/** The lines of one change. */
export function loggedLines({ entry, commit }: LoggedChange, timeText: TimeText): string[] {
  const changes = [
    ...entry.endpoints.map(endpointChangeText),
    ...entry.fields.map(fieldChangeText),
    ...(entry.object === "" && entry.kind !== "commit" ? trafficLines(entry) : []),
  ];
  const head = `@${entry.offset}  ${timeText(rfc3339(entry.time))}  ${whatText(entry)}`;
  const [only] = changes;
  const lines = changes.length === 1
    ? [`${head}  ${only}`]
    : [head, ...changes.map((change) => `    ${change}`)];
  return [`${lines[0]}${commitText(entry, commit)}`, ...lines.slice(1)];
}

/** `EndpointSlice shop/web-a`, `Service shop/web appeared: ClusterIP 10.96.0.1 http:80/TCP`, `drift: nft ...`. */
function whatText({ object, verb, text, service, commit, kind }: JournalEntry): string {
  if (commit !== undefined && text === "") {
    const { operations, microseconds } = commit;
    return `commit of ${foldedText(commit)}: ${countText(operations, "operation")} in ${
      lengthText(microseconds / 1000)
    }`;
  }
  if (object === "") return text || `${service}: by the ${kind === "config" ? "configuration" : "own Node"}`;
  return [object, ...(verb === "changed" ? [] : [verb])].join(" ") + (text === "" ? "" : `: ${text}`);
}

/** Endpoints that started or stopped getting traffic, for a record that names none. */
function trafficLines({ came, left }: JournalEntry): string[] {
  return [
    ...came.map((one) => `+ ${servedText(one)} gets traffic`),
    ...left.map((one) => `- ${servedText(one)} gets no traffic`),
  ];
}

/** Which commit brought a change to the kernel, and how long after it arrived. */
function commitText({ effect, commit: own, time }: JournalEntry, commit: JournalEntry | undefined): string {
  if (own !== undefined) return "";
  if (commit === undefined) return effect ? "  (not committed)" : "";
  const later = commit.time - time;
  // In a ledger into which a recording was played the two times have different clocks.
  return later < 0 || later > 60_000
    ? `  (@${commit.offset})`
    : `  (@${commit.offset} after ${lengthText(later)})`;
}
