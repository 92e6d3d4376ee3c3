// `ledgerproxy audit`: prints the trail of a range of the ledger for an auditor: who did what, when, by which evidence.

import { type AuditEntry, auditTrail } from "../../history/audit.ts";
import { AUDIT_COLUMNS, auditLine, auditRow } from "../../history/audit_words.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { tornText } from "../../history/verify.ts";
import { spanOf } from "../../history/window.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { pastArgument, positionArgument, sayTimes } from "../arguments.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { localTime } from "../local_time.ts";
import { printJson, printLines } from "../terminal.ts";

/** Flags of `audit`. */
export interface AuditOptions {
  readonly ledger?: string;
  readonly since?: PositionExpression;
  readonly until?: PositionExpression;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Adds `audit` to the program. */
export function addAudit(program: Command, done: Done): void {
  const audit = "print the trail for an auditor: who did what to which object, when, by which evidence";
  ledgerCommand(program, "audit", audit, "audit --since 7d --csv > trail.csv")
    .option("--since <position>", "after this: @1234, 03:12, 5m, HEAD~3 (the beginning)", positionArgument)
    .option("--until <position>", "up to this (HEAD)", positionArgument)
    .option("--csv", "comma-separated values, with a line of column names")
    .action((options: AuditOptions) => done(auditCommand(options)));
}

/** Returns 1 where the range has no record. Throws LedgerDamage behind the rows that are proven. */
function auditCommand({ ledger, since, until, csv, json }: AuditOptions): number {
  const past = pastArgument(ledger);
  sayTimes(past, since, until);
  const entries = auditTrail(past, spanOf(past, since, until));
  const print = printer(json === true, csv === true);
  if (csv) printLines([AUDIT_COLUMNS]);
  let count = 0;
  let next = entries.next();
  for (; !next.done; next = entries.next()) {
    print(next.value);
    count++;
  }
  if (next.value !== undefined) log.warn(`the end is not whole: ${tornText(next.value)}`);
  if (count === 0 && !json && !csv) printLines(["no record is in this range"]);
  return count === 0 ? EXIT.found : EXIT.done;
}

function printer(json: boolean, csv: boolean): (entry: AuditEntry) => void {
  if (json) return (entry) => printJson("audit/1", entry);
  if (csv) return (entry) => printLines([auditRow(entry)]);
  return (entry) => printLines([auditLine(entry, localTime)]);
}
