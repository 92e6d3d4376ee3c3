// Assertions at a position and over a range, with expectations written by hand from the batches.

import assert from "node:assert/strict";
import { type Assertion, parseAssertions } from "../../src/history/assertion.ts";
import { checkAssertions } from "../../src/history/assertion_check.ts";
import type { Span } from "../../src/history/window.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

/** Each assertion as `ok`, or as what broke it: text, commit, cause. */
function results(span: Span, entries: unknown[], past = webPast()): string[] {
  const parsed = parseAssertions([entries]);
  assert.ok(!("problems" in parsed), JSON.stringify(parsed));
  return checkAssertions(past, span, parsed as readonly Assertion[]).map(({ holds, text, commit, cause }) =>
    holds ? "ok" : `${text} @${commit?.offset} @${cause?.offset}`
  );
}

const WEB = { from: "10.244.0.9", to: "shop/web:http" };

Deno.test("over a range the first commit and record that broke an assertion are named", () => {
  assert.deepEqual(
    results({ from: 2, through: 13 }, [
      WEB,
      { ...WEB, to: "10.96.0.2:80", expect: "refused" },
      { service: "web", ready: 2 },
      { service: "web", ready: 0 },
      { service: "web", outage: "500ms" },
      { service: "web", outage: "1s" },
    ]),
    [
      "refused with a TCP reset @6 @5",
      "unchanged, to 10.96.0.2:80 @undefined @undefined",
      "1 ready @4 @3",
      "ok",
      "http without endpoints for 1 s @6 @5",
      "ok",
    ],
  );
});

Deno.test("where a port is named, the other ports of its Service do not count", () => {
  const admin = (ready: boolean) => appears(slice(`shop/web-b admin:8081/tcp ${ready ? "" : "!"}10.244.0.2`));
  const past = committedPast([
    [
      appears(service("shop/web 10.96.0.1 http:80/tcp admin:81/tcp")),
      appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
      admin(true),
    ],
    [admin(false)],
    [admin(true)],
  ]);
  const asked = ["web:http", "web:admin"].flatMap((service) => [
    { service, outage: "0s" },
    { service, ready: 1 },
  ]);
  assert.deepEqual(results({ from: 3, through: 7 }, [...asked, { service: "web", ready: 2 }], past), [
    "ok",
    "ok",
    "admin without endpoints for 1 s @5 @4",
    "0 ready @5 @4",
    "1 ready @5 @4",
  ]);
});

Deno.test("at one position every outcome must be as expected", () => {
  const at = (offset: number) => ({ from: offset, through: offset });
  assert.deepEqual(results(at(2), [WEB, { ...WEB, masqueraded: true }, { ...WEB, expect: "10.244.0.1" }]), [
    "ok",
    "50.0 %  to 10.244.0.1:8080; 50.0 %  to 10.244.0.2:8080 @undefined @undefined",
    "50.0 %  to 10.244.0.1:8080; 50.0 %  to 10.244.0.2:8080 @undefined @undefined",
  ]);
  assert.deepEqual(results(at(4), [{ ...WEB, expect: "10.244.0.2:8080" }]), ["ok"]);
  const [unknown] = results(at(2), [{ service: "wbe", ready: 1 }]);
  assert.match(unknown!, /wbe: no Service, node, pod or zone has.*\. Near it are: shop\/web/);
});

Deno.test("endpoints are counted in a zone at each commit that changed the Service", () => {
  const node = (name: string, zone: string) =>
    appears({
      kind: "Node",
      metadata: { name, labels: { "topology.kubernetes.io/zone": zone } },
      spec: {},
      status: {},
    });
  const past = committedPast([
    [node("node-a", "zone-1"), node("node-b", "zone-2"), appears(service("shop/web 10.96.0.1 http:80/tcp"))],
    [appears(slice("shop/web-a http:8080/tcp 10.0.0.1@node-a 10.0.0.2@node-b"))],
    [appears(slice("shop/web-a http:8080/tcp 10.0.0.1@node-a 10.0.0.3@node-a"))],
  ]);
  const zone = (name: string) => ({ service: "web", ready: 1, zone: name });
  assert.deepEqual(results({ from: 5, through: 7 }, [zone("zone-1"), zone("zone-2")], past), [
    "ok",
    "0 ready in zone-2 @7 @6",
  ]);
});
