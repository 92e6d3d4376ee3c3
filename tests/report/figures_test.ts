// Figures of a window: churn, drift, gaps and rejected commits.

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { figuresOf } from "../../src/report/figures.ts";
import { at, commit } from "../support/report_records.ts";

Deno.test("churn counts elements and commits by Service; rejected commits do not count", () => {
  const records = [
    commit(1, [0, 0], [0, 1, 2], { comment: "shop/web:http" }),
    commit(2, [0, 0], [0], { comment: "shop/web:https", changesOmitted: 7 }),
    commit(3, [0, 0], [0, 1], { comment: "a/b" }),
    commit(4, [0, 0], [0, 1, 2, 3], {
      comment: "a/b",
      outcome: "rejected",
      error: "ENOMEM",
      setAside: "a/b",
    }),
  ];
  const { churn, changesOmitted, rejected } = figuresOf({ records, first: 10, hasEffect: () => true });
  assert.deepEqual(churn, [
    { service: "shop/web", changes: 4, commits: 2, last: 11 },
    { service: "a/b", changes: 2, commits: 1, last: 12 },
  ]);
  assert.equal(changesOmitted, 7);
  assert.deepEqual(rejected, [{ offset: 13, time: at(4), error: "ENOMEM", setAside: "a/b" }]);
});

Deno.test("drift is counted by process, with its last changes; gaps are listed", () => {
  const drift = (process: string, pid: number): LedgerRecord => ({
    kind: "drift",
    time: at(1),
    process,
    pid,
    changes: [`change by ${pid}`],
    response: "put back",
  });
  const gap: LedgerRecord = { kind: "gap", time: at(2), reason: "disk full", records: 3 };
  const figures = figuresOf({
    records: [drift("nft", 1), drift("firewalld", 2), drift("nft", 3), gap],
    first: 0,
    hasEffect: () => true,
  });
  assert.deepEqual(figures.drift, [
    { process: "nft", times: 2, last: 2, pid: 3, changes: ["change by 3"], response: "put back" },
    { process: "firewalld", times: 1, last: 1, pid: 2, changes: ["change by 2"], response: "put back" },
  ]);
  assert.deepEqual(figures.gaps, [{ offset: 3, time: at(2), records: 3, reason: "disk full" }]);
});
