// Assertions that the journal decides, against records written by hand.

import assert from "node:assert/strict";
import { type Assertion, parseAssertions } from "../../src/history/assertion.ts";
import { checkDrift, checkLatency, checkOutage } from "../../src/history/journal_checks.ts";
import { type EndpointSlice, TRIGGER } from "../../src/kube/objects.ts";
import type { DriftRecord } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const ASSERTIONS = parseAssertions([[{ latency: "2s" }, { drift: "none" }, {
  service: "web",
  outage: "0s",
}]]);
assert.ok(!("problems" in ASSERTIONS));
const assertion = <Kind extends Assertion["kind"]>(kind: Kind) =>
  ASSERTIONS.find((one) => one.kind === kind) as Assertion & { readonly kind: Kind };

/** A slice whose change began in second `second`. */
function changedAt(second: number, notation: string): EndpointSlice {
  const one = slice(notation);
  return { ...one, metadata: { ...one.metadata, annotations: { [TRIGGER]: timeAt(second) } } };
}

Deno.test("a change counts from its trigger to its commit; one that began before the range does not", () => {
  const past = committedPast([
    [appears(service("shop/web 10.96.0.1 http:80/tcp"))],
    [appears(changedAt(0, "shop/web-a http:8080/tcp 10.0.0.1"))],
    [appears(changedAt(2, "shop/web-a http:8080/tcp 10.0.0.2"))],
    [],
    [],
    [appears(changedAt(3, "shop/web-a http:8080/tcp 10.0.0.3"))],
  ]);
  const span = { from: 1, through: 100 };
  const late = checkLatency({ past, span }, assertion("latency"), undefined);
  assert.deepEqual([late.holds, late.cause?.offset, late.commit?.offset], [false, 6, 7]);
  assert.equal(late.text, "EndpointSlice shop/web-a in the kernel 3 s after its change");
  assert.ok(checkLatency({ past, span }, assertion("latency"), "shop/other").holds);
  assert.ok(checkLatency({ past, span: { from: 1, through: 5 } }, assertion("latency"), undefined).holds);
});

Deno.test("drift is what another program changed, and no list of the API server", () => {
  const drift = (process: string): DriftRecord => ({
    ...{ kind: "drift", time: timeAt(1), process, pid: 1, changes: ["delete table ip ledgerproxy"] },
    response: "put back",
  });
  const check = (...records: DriftRecord[]) =>
    checkDrift({ past: pastOf(records), span: { from: -1, through: 9 } }, assertion("drift"));
  assert.ok(check(drift("API server")).holds);
  const broken = check(drift("API server"), drift("nft"));
  assert.deepEqual([broken.holds, broken.cause?.offset], [false, 1]);
  assert.match(broken.text, /nft/);
});

Deno.test("an outage names its first commit and its cause", () => {
  const broken = checkOutage(
    { past: webPast(), span: { from: 2, through: 13 } },
    assertion("outage"),
    { service: "shop/web" },
  );
  assert.deepEqual([broken.holds, broken.commit?.offset, broken.cause?.offset], [false, 6, 5]);
});
