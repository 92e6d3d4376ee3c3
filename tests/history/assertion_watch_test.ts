// Assertions that are checked while states change.

import assert from "node:assert/strict";
import { parseAssertions } from "../../src/history/assertion.ts";
import { AssertionWatch } from "../../src/history/assertion_watch.ts";
import { stateAt } from "../../src/history/past.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const QUIET = { drift: "", slowest: 0 };

/** What changes at each of `moments`: offset of the state in web_history.ts, and seconds. */
function changes(
  entries: unknown[],
  moments: readonly (readonly [offset: number, second: number])[],
  past = webPast(),
) {
  const parsed = parseAssertions([entries]);
  assert.ok(!("problems" in parsed), JSON.stringify(parsed));
  const watch = new AssertionWatch(parsed);
  const seen = moments.map(([offset, second]) =>
    watch.check(stateAt(past, offset).state, { ...QUIET, now: second * 1000 }).map((one) =>
      one.holds ? "holds" : one.text
    )
  );
  return { seen, broken: watch.broken().map(({ since }) => since) };
}

Deno.test("what starts or stops holding is reported once, with its time", () => {
  const packet = { from: "10.244.0.9", to: "shop/web:http" };
  assert.deepEqual(changes([packet], [[2, 1], [6, 2], [6, 3], [8, 4], [6, 5]]), {
    seen: [[], ["refused with a TCP reset"], [], ["holds"], ["refused with a TCP reset"]],
    broken: [5000],
  });
  assert.deepEqual(changes([{ service: "web", ready: 2 }], [[2, 1], [4, 2]]).seen, [[], ["1 ready"]]);
  assert.match(
    changes([{ service: "none", ready: 2 }], [[2, 1]]).seen[0]![0]!,
    /^none: no Service, node, pod or zone has/,
  );
});

Deno.test("an outage is broken once it is too long, and holds again with an endpoint", () => {
  const outage = { service: "shop/web", outage: "5s" };
  assert.deepEqual(changes([outage], [[2, 0], [6, 10], [6, 15], [6, 16], [8, 17]]).seen, [
    ...[[], [], []],
    ["http without endpoints for 6 s"],
    ["holds"],
  ]);
});

Deno.test("where a port is named, an outage of another port breaks nothing", () => {
  const past = committedPast([[
    appears(service("shop/web 10.96.0.1 http:80/tcp admin:81/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
  ]]);
  const of = (name: string) => changes([{ service: name, outage: "0s" }], [[2, 0]], past).seen;
  assert.deepEqual(of("web:http"), [[]]);
  assert.deepEqual(of("web:admin"), [["admin without endpoints for 0 ms"]]);
});

Deno.test("drift and a late change are what the proxy knows", () => {
  const parsed = parseAssertions([[{ drift: "none" }, { latency: "2s" }]]);
  assert.ok(!("problems" in parsed));
  const watch = new AssertionWatch(parsed);
  const { state } = stateAt(webPast(), 2);
  const check = (drift: string, slowest: number) =>
    watch.check(state, { now: 0, drift, slowest }).map(({ text }) => text);
  assert.deepEqual(check("", 2000), []);
  assert.deepEqual(check("nft (process 7): x", 2500), [
    "nft (process 7): x",
    "a change was in the kernel 2.5 s after it began",
  ]);
  assert.deepEqual(check("", 0), ["", ""]);
});
