// ServicePorts that the page keeps from moment to moment are those that it would work out anew.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { portViews, serviceNames } from "../../src/report/service_view.ts";
import { ShownServices } from "../../src/report/shown_services.ts";
import { GrowingTimeline } from "../../src/report/timeline.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { CONFIG, nodeEvent } from "../support/report_records.ts";

Deno.test("the ServicePorts at any moment, reached from any other, are those worked out there anew", () => {
  const walk = fc.tuple(arbitraryHistory, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }));
  fc.assert(
    fc.property(walk, ([events, moves]) => {
      const records: LedgerRecord[] = [
        CONFIG,
        ...events.flatMap((event, i) => i % 5 === 4 ? [event, nodeEvent(`192.0.2.${i}`)] : [event]),
      ];
      const timeline = grown(records);
      const shown = new ShownServices(timeline);
      for (const move of [...moves, records.length]) {
        timeline.moveTo(move % (records.length + 1) - 1);
        const anew = serviceNames(timeline.view).flatMap((name) => portViews(timeline.view, name));
        assert.deepEqual(timeline.services.names.flatMap((name) => shown.of(name)), anew);
        assert.equal(timeline.view.portCount, anew.length);
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a Service that no record changed in between is the same value", () => {
  const timeline = grown([
    CONFIG,
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(service("shop/cart 10.96.0.2 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
  ]);
  const shown = new ShownServices(timeline);
  const at = (offset: number) => {
    timeline.moveTo(offset);
    return timeline.services.names.map((name) => shown.of(name));
  };
  const [cart, web] = at(3);
  const [cartBefore, webBefore] = at(2);
  assert.equal(cartBefore, cart);
  assert.notEqual(webBefore, web);
  assert.deepEqual(at(1)[0], []);
});

Deno.test("records that arrive later are shown once the moment is moved to them", () => {
  const timeline = grown([CONFIG, appears(service("shop/web 10.96.0.1 http:80/tcp"))]);
  const shown = new ShownServices(timeline);
  const [name] = timeline.services.names;
  timeline.moveTo(1);
  assert.equal(shown.of(name!)[0]!.endpoints.length, 0);
  timeline.append(appears(slice("shop/web-a http:8080/tcp 10.244.0.1")));
  assert.equal(shown.of(name!)[0]!.endpoints.length, 0);
  timeline.moveTo(2);
  assert.equal(shown.of(name!)[0]!.endpoints.length, 1);
});

function grown(records: readonly LedgerRecord[]): GrowingTimeline {
  const timeline = new GrowingTimeline({ first: 0, snapshot: [] });
  for (const record of records) timeline.append(record);
  return timeline;
}
