// The text that `log` prints.

import assert from "node:assert/strict";
import { recordLines } from "../../src/history/log_words.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { committedPast, secondsOf, timeAt } from "../support/past.ts";

Deno.test("below a commit are its changes, or those of one Service", () => {
  const commit = committedPast().lookup()(4)!;
  const whole = recordLines(commit, undefined, secondsOf);
  assert.match(whole[0]!, /^@4 {2}02 {2}commit of @2 to @3: \d+ operations, \d+ us$/);
  assert.equal(whole.length, 1 + 3);
  assert.ok(whole.slice(1).every((line) => /^ {4}[+-] ip ledgerproxy .* by @3$/.test(line)));
  assert.deepEqual(recordLines(commit, "shop/web", secondsOf), whole);
  assert.deepEqual(recordLines(commit, "shop/we", secondsOf), [whole[0]]);
  const changes = (...ports: string[]) => recordLines(commit, ports, secondsOf).length - 1;
  assert.deepEqual([changes("shop/web:http"), changes("shop/web:https")], [3, 0]);
});

Deno.test("omitted changes are counted; a rejected commit has its error; drift and gaps are one line", () => {
  const past = committedPast();
  const { offset } = past.lookup()(0)!;
  const commit = past.lookup()(4)!.record as CommitRecord;
  const records: readonly (readonly [LedgerRecord, readonly (string | RegExp)[]])[] = [
    [{ ...commit, changes: [], changesOmitted: 7 }, [/commit of/, "    and 7 more changes"]],
    [{ ...commit, changes: [], outcome: "rejected", error: "EBUSY" }, ["@0  02  rejected: EBUSY"]],
    [{ kind: "gap", time: timeAt(4), reason: "ENOSPC", records: 3 }, ["@0  04  gap of 3 records: ENOSPC"]],
    [
      { kind: "drift", time: timeAt(4), process: "nft", pid: 7, changes: ["flush"], response: "put back" },
      ["@0  04  drift: nft (process 7): flush; put back"],
    ],
    [{ kind: "config", time: timeAt(4), version: "0", nodeName: "" }, ["@0  04  config"]],
  ];
  for (const [record, expected] of records) {
    const printed = recordLines({ offset, record }, undefined, secondsOf);
    assert.equal(printed.length, expected.length);
    expected.forEach((line, i) =>
      typeof line === "string" ? assert.equal(printed[i], line) : assert.match(printed[i]!, line)
    );
  }
});
