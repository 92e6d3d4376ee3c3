// `show` as a user runs it: the rules at a position, and the commit that made them.

import assert from "node:assert/strict";
import { rulesetAt } from "../../../src/fold/ruleset_at.ts";
import { rulesetText } from "../../../src/nft/text.ts";
import { CommittedEvening } from "../../support/committed_evening.ts";
import { jsonLines } from "../../support/run_program.ts";

Deno.test("show prints the rules at that moment, with the time in the terminal's zone, and the changes of the commit", async () => {
  using evening = new CommittedEvening();
  const { changes, through } = evening.two[1]!.record;
  const shown = await evening.ask("show", `@${through}`);
  const rules = shown.stdout.split("\n").filter((line) => !line.startsWith("#")).join("\n").trim();
  assert.equal(rules, rulesetText(rulesetAt(evening.records, through)).trim());
  assert.match(shown.stdout, /^# @\d+ {2}2026-11-2[34] \d\d:\d\d:\d\d\.\d{3} \+05:45 {2}/);
  for (const { key } of changes) assert.ok(shown.stdout.includes(`{ ${key}`), key);
  const [json] = jsonLines(await evening.ask("show", `@${through}`, "--json"));
  assert.deepEqual(json.commit.record.changes, changes);
});
