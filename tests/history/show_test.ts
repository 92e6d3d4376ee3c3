// A position with its commit and its rules.

import assert from "node:assert/strict";
import { rulesetAt } from "../../src/fold/ruleset_at.ts";
import { stateAt } from "../../src/history/past.ts";
import { showPosition } from "../../src/history/show.ts";
import { rulesetText } from "../../src/nft/text.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";

const PAST = committedPast();
const show = (offset: number) => showPosition(stateAt(PAST, offset));

Deno.test("an event and its commit show the same commit, with all events that it folded", () => {
  for (const offset of [0, 1, 2]) {
    const { commit, events, record } = show(offset);
    assert.equal(commit?.offset, 2);
    assert.deepEqual(events.map(({ offset }) => offset), [0, 1]);
    assert.deepEqual(record, PAST.lookup()(offset)!.record);
  }
});

Deno.test("the rules are those of the records up to the position", () => {
  for (const offset of [1, 3, 6]) {
    assert.equal(show(offset).rules, rulesetText(rulesetAt(PAST.records(), offset)));
  }
});

Deno.test("a record that no commit folded has no commit, and why is said", () => {
  const records = [...PAST.records()].map(({ record }) => record);
  const shown = (...records: LedgerRecord[]) => {
    const { commit, events, uncommitted } = showPosition(stateAt(pastOf(records), records.length - 1));
    assert.deepEqual([commit, events], [null, []]);
    return uncommitted;
  };
  const gap = { kind: "gap", time: timeAt(9), reason: "checkpoint 1", records: 0 } as const;
  const drift: LedgerRecord = {
    kind: "drift",
    time: timeAt(9),
    process: "nft",
    pid: 7,
    changes: ["delete table"],
    response: "",
  };
  const other = appears(service("shop/other 10.96.0.9 http:80/tcp"));
  const again = records.findLast(({ kind }) => kind === "event")!;
  assert.deepEqual(
    [
      shown(...records.slice(0, 2)),
      shown(...records, gap),
      shown(...records, drift),
      shown(...records, again),
      shown(...records, other),
      shown(...records, other, gap),
    ],
    ["no commits", "no change", "no change", "no change", "not yet", "no change"],
  );
});
