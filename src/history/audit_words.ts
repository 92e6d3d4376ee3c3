// The trail for an auditor as text, and as CSV (RFC 4180).

import type { AuditEntry } from "./audit.ts";
import { type TimeText, writerText } from "./record_words.ts";

/** `@12  2026-11-23 03:12:00.123 +01:00  kubectl-edit  changed  Service shop/web  committed by @13, signed by @20`. */
export function auditLine(entry: AuditEntry, timeText: TimeText): string {
  const { offset, time, source, who, writer, what, object, detail, evidence: { commit, checkpoint } } = entry;
  const shown = [
    ...(commit === null ? [] : [`committed by @${commit}`]),
    checkpoint === null ? "not signed" : `signed by @${checkpoint}`,
  ].join(", ");
  const about = detail === "" ? object : `${object}: ${detail}`;
  const known = who || `${source}, writer not recorded`;
  const by = writer === null ? known : [writerText(writer), ...(who === "" ? [] : [`(${who})`])].join(" ");
  return `@${offset}  ${timeText(time)}  ${by}  ${what}  ${about}  ${shown}`;
}

/** The first line of the CSV: the names of the columns. */
export const AUDIT_COLUMNS = [
  ...["offset", "time", "source", "who", "what", "object", "detail"],
  ...["resourceVersion", "uid", "commit", "checkpoint", "chain"],
  ...["user", "userAgent", "sourceIPs", "auditID"],
].join(",");

/** A row of the CSV, in the order of {@link AUDIT_COLUMNS}. */
export function auditRow(entry: AuditEntry): string {
  const { offset, time, source, who, writer, what, object, detail, evidence } = entry;
  const { resourceVersion, uid, commit, checkpoint, chain } = evidence;
  return [
    ...[offset, time, source, who, what, object, detail, resourceVersion, uid, commit, checkpoint, chain],
    ...[writer?.user, writer?.userAgent, writer?.source, writer?.auditId],
  ].map((cell) => csvCell(String(cell ?? ""))).join(",");
}

/**
 * A cell. Text that a spreadsheet would take for a formula, which other programs may choose, begins with an apostrophe. Some drop white
 * space before it, and some take the wide forms of the signs (U+FF1D).
 */
function csvCell(text: string): string {
  const plain = /^[\t\r]|^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
