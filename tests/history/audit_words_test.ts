// The text and the CSV of the trail.

import assert from "node:assert/strict";
import type { AuditEntry } from "../../src/history/audit.ts";
import { AUDIT_COLUMNS, auditLine, auditRow } from "../../src/history/audit_words.ts";
import { secondsOf, timeAt } from "../support/past.ts";

const ENTRY: AuditEntry = {
  ...{ offset: 12, time: timeAt(7), source: "API server", who: "kubectl-edit", what: "changed" },
  ...{ object: "Service shop/web", detail: "", writer: null },
  evidence: { chain: "ab".repeat(32), resourceVersion: "353", uid: "u-1", commit: 13, checkpoint: null },
};

Deno.test("a line says who did what, and what shows it", () => {
  assert.equal(
    auditLine(ENTRY, secondsOf),
    `@12  ${secondsOf(timeAt(7))}  kubectl-edit  changed  Service shop/web  committed by @13, not signed`,
  );
  const unknown: AuditEntry = {
    ...ENTRY,
    who: "",
    evidence: { ...ENTRY.evidence, commit: null, checkpoint: 20 },
  };
  assert.match(
    auditLine(unknown, secondsOf),
    / API server, writer not recorded +changed .* signed by @20$/,
  );
});

Deno.test("a row of the CSV has a cell for each column, and no cell is a formula", () => {
  assert.equal(
    auditRow(ENTRY),
    `12,${timeAt(7)},API server,kubectl-edit,changed,Service shop/web,,353,u-1,13,,${"ab".repeat(32)},,,,`,
  );
  const writer = {
    user: "alice",
    userAgent: "kubectl/v1 (linux)",
    source: "10.0.0.7",
    verb: "patch",
    time: timeAt(6),
    auditId: "a-1",
  };
  assert.match(auditRow({ ...ENTRY, writer }), /,alice,kubectl\/v1 \(linux\),10\.0\.0\.7,a-1$/);
  assert.match(
    auditLine({ ...ENTRY, writer }, secondsOf),
    / {2}alice with kubectl\/v1 from 10\.0\.0\.7 \(kubectl-edit\) {2}changed {2}/,
  );
  assert.match(auditLine({ ...ENTRY, writer, who: "" }, secondsOf), / from 10\.0\.0\.7 {2}changed {2}/);
  assert.equal(auditRow(ENTRY).split(",").length, AUDIT_COLUMNS.split(",").length);
  const hostile: AuditEntry = { ...ENTRY, who: '=cmd|"x"!A1', detail: "a,\nb" };
  for (const who of [" =1+1", "\u00a0@a", "\uff1d1+1", "\t=1", "-1", "+1"]) {
    assert.ok(auditRow({ ...ENTRY, who }).includes(`,'${who},`), JSON.stringify(who));
  }
  assert.match(auditRow(hostile), /,"'=cmd\|""x""!A1",changed,Service shop\/web,"a,\nb",353,/);
});
