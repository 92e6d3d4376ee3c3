// Commits that do not follow from the ledger, though their lines and their hash chain are right.

import assert from "node:assert/strict";
import { verifyPast } from "../../src/history/verify.ts";
import { historyOf } from "../../src/history/history.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { committedPast, pastOf } from "../support/past.ts";

const RECORDS = [...committedPast().records()].map(({ record }) => record);

/** What `verify` finds in a ledger whose commits were changed by `change` before its hash chain was made. */
function problemsAfter(change: (commit: CommitRecord, offset: number) => LedgerRecord): readonly string[] {
  const records = RECORDS.map((record, i) => record.kind === "commit" ? change(record, i) : record);
  const past = pastOf(records);
  const { problem, difference } = historyOf(past).replay();
  const { problems } = verifyPast(past).verdict;
  assert.equal(problem !== null || difference !== null, problems.length > 0, "replay and verify agree");
  return problems;
}

/** As {@link problemsAfter}, for a change of the commit @4 alone. */
const problemsOf = (change: (commit: CommitRecord) => Partial<CommitRecord>) =>
  problemsAfter((commit, offset) => offset === 4 ? { ...commit, ...change(commit) } : commit);

Deno.test("commits as they were written follow from their records", () => {
  assert.deepEqual(problemsOf(() => ({})), []);
});

Deno.test("what the kernel answered cannot be derived, and is not compared", () => {
  assert.deepEqual(
    problemsOf(() => ({ microseconds: 7, generation: 99, time: "2026-11-23T04:00:00.000Z" })),
    [],
  );
});

Deno.test("another digest, range, change or cause, and a change more or less, are problems that name the commit", () => {
  const [first] = RECORDS.filter((record) => record.kind === "commit")[1]!.changes;
  const cases: readonly [RegExp, (commit: CommitRecord) => Partial<CommitRecord>][] = [
    [/its digest is not that of the rules/, () => ({ digest: "0".repeat(64) })],
    [/it says that it is of @1 to @3; the commit before it ended with @1/, () => ({ from: 1 })],
    [
      /do not lead to the change/,
      ({ changes }) => ({ changes: changes.map((one) => ({ ...one, value: "10.9.9.9 . 80" })) }),
    ],
    [
      /its changes are not those/,
      ({ changes }) => ({ changes: changes.map((one) => ({ ...one, cause: 0 })) }),
    ],
    [/its changes are not those/, ({ changes }) => ({ changes: changes.slice(1) })],
    [/its changes are not those/, () => ({ changesOmitted: 3 })],
    [
      /do not lead to the change/,
      ({ changes }) => ({ changes: [...changes, { ...first!, verb: "add", key: "10.96.0.9" }] }),
    ],
  ];
  for (const [pattern, change] of cases) {
    const problems = problemsOf(change);
    assert.match(problems.join("\n"), pattern);
    assert.match(problems[0]!, /^the commit @4: /);
  }
});

Deno.test("another configuration than the one that the commits followed is found by the commits", () => {
  const config: LedgerRecord = {
    ...{ kind: "config", time: RECORDS[0]!.time, version: "0.6.0", nodeName: "node-b" },
    proxy: {
      ...{ masqueradeBit: 3, masqueradeAll: true, nodePortAddresses: [] },
      detectLocal: { mode: "ClusterCIDR", cidrs: [] },
    },
  };
  const records = RECORDS.map((record, i) => i === 0 ? config : record);
  assert.match(verifyPast(pastOf(records)).verdict.problems.join(), /the commit @2: its digest is not that/);
});

Deno.test("after another program's change the changes of a commit must lead to its rules, and need not follow from the last", () => {
  const drift: LedgerRecord = {
    ...{
      kind: "drift",
      time: RECORDS[0]!.time,
      process: "nft",
      pid: 7,
      changes: ["delete element"],
      response: "",
    },
  };
  const [last] = RECORDS.slice(-1) as [CommitRecord];
  const [put] = (RECORDS[2] as CommitRecord).changes.filter(({ set }) => set.endsWith(" cluster-ips"));
  const again: CommitRecord = { ...last, from: 6, through: 7, changes: [{ ...put!, cause: 7 }] };
  assert.deepEqual(verifyPast(pastOf([...RECORDS, drift, again])).verdict.problems, []);
  const wrong: CommitRecord = { ...again, changes: [{ ...put!, key: "10.96.0.77", cause: 7 }] };
  assert.match(
    verifyPast(pastOf([...RECORDS, drift, wrong])).verdict.problems.join(),
    /the commit @8: its records do not lead to the change \+ ip ledgerproxy cluster-ips \{ 10\.96\.0\.77/,
  );
});

Deno.test("a list of changes that its bound cuts between a deletion and what comes in its place is no problem", () => {
  const time = RECORDS[0]!.time;
  const drift: LedgerRecord = {
    ...{ kind: "drift", time, process: "nft", pid: 7, changes: ["add element"], response: "" },
  };
  const [last] = RECORDS.slice(-1) as [CommitRecord];
  const [put] = (RECORDS[2] as CommitRecord).changes.filter(({ set }) => set.endsWith(" cluster-ips"));
  const found = { ...put!, verb: "delete", comment: "of another program", cause: 7 } as const;
  const cut: CommitRecord = { ...last, from: 6, through: 7, changes: [found], changesOmitted: 1 };
  assert.deepEqual(verifyPast(pastOf([...RECORDS, drift, cut])).verdict.problems, []);
  const gone: CommitRecord = { ...cut, changesOmitted: 0 };
  assert.match(
    verifyPast(pastOf([...RECORDS, drift, gone])).verdict.problems.join(),
    /the commit @8: its records do not lead to the change - ip ledgerproxy cluster-ips/,
  );
});
