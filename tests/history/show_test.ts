// A position with its commit and its rules.

import assert from "node:assert/strict";
import { rulesetAt } from "../../src/fold/ruleset_at.ts";
import { stateAt } from "../../src/history/past.ts";
import { showPosition } from "../../src/history/show.ts";
import { rulesetText } from "../../src/nft/text.ts";
import { committedPast, pastOf } from "../support/past.ts";

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

Deno.test("a record that no commit folded has no commit", () => {
  const events = [...PAST.records()].slice(0, 2).map(({ record }) => record);
  const { commit, events: folded } = showPosition(stateAt(pastOf(events), 1));
  assert.deepEqual([commit, folded], [null, []]);
});
