// Assertions as a file has them.

import assert from "node:assert/strict";
import { parseAssertions } from "../../src/history/assertion.ts";

const problems = (...entries: unknown[]) => {
  const parsed = parseAssertions([entries]);
  return "problems" in parsed ? parsed.problems : [];
};

Deno.test("packets, ready endpoints and outages are asserted; each has a name", () => {
  const parsed = parseAssertions([{
    assertions: [
      { from: "web-0", to: "shop/web", masqueraded: false },
      { from: "10.0.0.1", to: "10.96.0.1:80", expect: "refused", name: "closed" },
      { service: "web", ready: 2, zone: "zone-a" },
      { service: "web", outage: "1m30s" },
    ],
  }]);
  assert.ok(!("problems" in parsed));
  assert.deepEqual(parsed.map(({ kind, name }) => `${kind}: ${name}`), [
    "packet: from web-0 to shop/web: endpoint, not masqueraded",
    "packet: closed",
    "ready: web has 2 ready endpoints in zone-a",
    "outage: web never without endpoints for 1m30s",
  ]);
  assert.equal(parsed[3]?.kind === "outage" && parsed[3].milliseconds, 90_000);
});

Deno.test("what is wrong is said with the number of its entry, all at once", () => {
  assert.deepEqual(problems(), ["there is no entry"]);
  const all = problems(
    7,
    { from: "a" },
    { from: "a", to: "b", expect: "fine" },
    { from: "a", to: "b", expect: "same" },
    { from: "a", to: "b", reaches: 1 },
    { service: "a" },
    { service: "a", ready: 1, outage: "1s" },
    { service: "a", outage: "soon" },
    { service: "a", ready: "two" },
    { service: "a", ready: 1, zone: 3 },
    { from: "a", to: "b", masqueraded: "no" },
    { from: "a", to: "b", name: 1 },
  );
  assert.equal(all.length, 12);
  all.forEach((problem, i) => assert.ok(problem.startsWith(`entry ${i + 1}: `), problem));
  assert.match(all[4]!, /reaches: it must be one of name, from, to, expect, masqueraded/);
});
