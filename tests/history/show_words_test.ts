// The text that `show` prints.

import assert from "node:assert/strict";
import { stateAt } from "../../src/history/past.ts";
import { showPosition, type Uncommitted } from "../../src/history/show.ts";
import { positionLines } from "../../src/history/show_words.ts";
import { committedPast, secondsOf } from "../support/past.ts";

const SHOWN = showPosition(stateAt(committedPast(), 3));

Deno.test("comments describe the record and the commit, and only rules follow", () => {
  const lines = positionLines(SHOWN, secondsOf);
  assert.equal(lines[0], "# @3  02  EndpointSlice shop/web-a");
  assert.match(
    lines[1]!,
    /^# @4 {2}02 {2}@2 to @3 committed with \d+ operations in \d+ us, kernel generation \d+$/,
  );
  assert.equal(lines[2], "#   @3  02  EndpointSlice shop/web-a");
  assert.match(lines[3]!, /^# {3}- ip ledgerproxy endpoints /);
  assert.equal(lines.filter((line) => !line.startsWith("#")).join("\n").trim(), SHOWN.rules.trim());
});

Deno.test("a missing commit, a rejected commit and a long list of events are printed as such", () => {
  const without = (uncommitted: Uncommitted) =>
    positionLines({ ...SHOWN, commit: null, uncommitted }, secondsOf)[1];
  assert.equal(without("not yet"), "# not committed yet");
  assert.equal(without("no change"), "# it changes no rule, so no commit follows from it");
  assert.equal(without("no commits"), "# nothing was committed: this ledger made no rules");
  const { commit } = SHOWN;
  const rejected = {
    ...commit!,
    record: { ...commit!.record, outcome: "rejected", error: "EBUSY" } as const,
  };
  assert.equal(
    positionLines({ ...SHOWN, commit: rejected }, secondsOf)[1],
    "# @4  02  @2 to @3 rejected: EBUSY",
  );
  const many = positionLines({ ...SHOWN, events: Array(130).fill(SHOWN.events[0]) }, secondsOf);
  assert.ok(many.includes("#   and 30 more: --json has them all"));
});
