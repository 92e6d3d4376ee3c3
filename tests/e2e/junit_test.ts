// What a report of Ginkgo says.

import assert from "node:assert/strict";
import { outcomes } from "./junit.ts";

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
