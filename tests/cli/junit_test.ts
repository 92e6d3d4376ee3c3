// JUnit's XML.

import assert from "node:assert/strict";
import { junitText } from "../../src/cli/junit.ts";

Deno.test("each assertion is a case, and no name can end an attribute or bring a control character", () => {
  const cause = { offset: 5, time: "", what: "EndpointSlice <a>" };
  const text = junitText('a"b.yaml', [
    { name: "fine", holds: true, text: "", commit: null, cause: null },
    { name: "bad & \u001b\n", holds: false, text: "x", commit: { offset: 6, time: "t" }, cause },
  ]);
  assert.equal(
    text,
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuite name="a&quot;b.yaml" tests="2" failures="1">',
      '  <testcase name="fine"/>',
      '  <testcase name="bad &amp; \\u{1b}&#10;"><failure message="x; first by the commit @6 t; because of @5 EndpointSlice &lt;a&gt;"/></testcase>',
      "</testsuite>",
      "",
    ].join("\n"),
  );
});
