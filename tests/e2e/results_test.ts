// Several runs of one session beside each other.

import assert from "node:assert/strict";
import type { Outcome } from "./junit.ts";
import { countedText, countsText, isWorse, onlyOurs } from "./results.ts";

const run = (outcomes: Readonly<Record<string, Outcome>>) => new Map(Object.entries(outcomes));

Deno.test("a failure in any run counts where kube-proxy has it in none", () => {
  const ours = [
    run({ always: "failed", once: "passed", both: "failed", alone: "failed", fine: "passed" }),
    run({ always: "failed", once: "failed", both: "passed", fine: "passed" }),
  ];
  const theirs = [
    run({ always: "passed", once: "passed", both: "passed", fine: "failed" }),
    run({ always: "passed", once: "skipped", both: "failed", fine: "passed" }),
  ];
  assert.deepEqual(onlyOurs(ours, theirs), [
    { name: "alone", ours: [1, 1], theirs: [0, 0] },
    { name: "always", ours: [2, 2], theirs: [0, 2] },
    { name: "once", ours: [1, 2], theirs: [0, 2] },
  ]);
});

Deno.test("a run without a result is not a run without failures", () => {
  assert.equal(countsText(undefined), "-");
  assert.equal(countsText(run({ a: "passed", b: "failed", c: "skipped" })), "1 pass, 1 fail, 1 skip");
  assert.equal(countedText(undefined), "-");
  assert.equal(countedText({ ok: 9, failed: 1, completed: false }), "1 of 10 failed, not completed");
});

Deno.test("a phase is worse with failures that kube-proxy does not have, and where nothing was measured", () => {
  const fine = { ok: 10, failed: 0, completed: true };
  const bad = { ok: 10, failed: 1, completed: true };
  assert.equal(isWorse(fine, bad), false);
  assert.equal(isWorse(bad, bad), false);
  assert.equal(isWorse(bad, fine), true);
  assert.equal(isWorse(bad, undefined), true);
  assert.equal(isWorse({ ...fine, completed: false }, bad), true);
  assert.equal(isWorse({ ok: 0, failed: 0, completed: true }, undefined), true);
});
