// What a report of Ginkgo says, and which failures are ours alone.

import assert from "node:assert/strict";
import { compare, outcomes } from "./junit.ts";

const report = (...cases: [string, string, number][]) =>
  `<?xml version="1.0"?><testsuites><testsuite name="e2e">
    <testcase name="[SynchronizedBeforeSuite]" status="passed" time="1"></testcase>
    ${
    cases.map(([name, status, time]) =>
      `<testcase name="[It] ${name}" classname="e2e" status="${status}" time="${time}"><system-err>[It] x</system-err></testcase>`
    ).join("\n")
  }</testsuite></testsuites>`;

Deno.test("each test that was selected has an outcome; a panic or a timeout is a failure", () => {
  const found = outcomes(report(
    ["serves &#34;a&#34; &amp; b", "passed", 2],
    ["hangs", "timedout", 60],
    ["needs six nodes", "skipped", 0.5],
    ["of another group", "skipped", 0],
  ));
  assert.deepEqual([...found], [['serves "a" & b', "passed"], ["hangs", "failed"], [
    "needs six nodes",
    "skipped",
  ]]);
});

Deno.test("a failure counts against us where kube-proxy does not fail, also where it has no such result", () => {
  const ours = outcomes(
    report(["a", "failed", 1], ["b", "failed", 1], ["c", "panicked", 1], ["d", "passed", 1]),
  );
  const theirs = outcomes(report(["a", "passed", 1], ["b", "failed", 1], ["d", "skipped", 1]));
  assert.deepEqual(compare(ours, theirs), {
    passed: [1, 1],
    failed: [3, 1],
    skipped: [0, 1],
    onlyFirst: ["a", "c"],
  });
});
