// The state at every moment of a window, going there from anywhere, is what folding up to it gives.

import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyState, ownNode } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { nodeAddresses } from "../../src/history/packet_words.ts";
import type { Node } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { objectChange } from "../../src/report/object_change.ts";
import type { ReportData } from "../../src/report/report_data.ts";
import { portViews, serviceNames } from "../../src/report/service_view.ts";
import { moveTo, timelineOf, type View } from "../../src/report/timeline.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

const CONFIG: LedgerRecord = { kind: "config", time: "", version: "0", nodeName: "node-a" };

function stateAfter(records: readonly LedgerRecord[]) {
  const state = emptyState();
  records.forEach((record, offset) => foldRecord(state, offset as Offset, record));
  return state;
}

/** What a page gets of `records`, when its window begins at offset `first`. */
function dataOf(records: readonly LedgerRecord[], first = 0): ReportData {
  return {
    version: "0",
    ledger: "0123456789abcdef",
    node: "node-a",
    first,
    snapshot: first === 0 ? [] : [...snapshotLines(stateAfter(records.slice(0, first)))],
    causes: [],
    records: records.slice(first),
    leftOut: { before: first, after: 0, oldest: "", newest: "" },
  };
}

/** Everything that the fold says of a moment, in an order of its own. */
function foldedView(records: readonly LedgerRecord[]) {
  const state = stateAfter(records);
  const elements = [...state.desired].flatMap(([path, set]) =>
    [...set].map(([key, element]) => ({ path, ...element, cause: state.causes.get(path)!.get(key) }))
  );
  return {
    elements: sorted(elements),
    objects: sorted([...state.objects.values()]),
    slices: sorted([...state.slices].map(([name, slices]) => [name, sorted([...slices.values()])])),
    node: state.node,
    tables: state.tables,
    aside: state.aside,
    contested: state.contested,
    addresses: nodeAddresses(ownNode(state)),
  };
}

function shownView({ elements, objects, slices, surroundings }: View) {
  const flat = [...elements].flatMap(([path, set]) => [...set.values()].map((one) => ({ path, ...one })));
  const owned = [...slices].filter(([, slices]) => slices.size > 0);
  const { node, tables, aside, contested, addresses } = surroundings;
  return {
    elements: sorted(flat),
    objects: sorted([...objects.values()].map(({ object }) => object)),
    slices: sorted(owned.map(([name, slices]) => [name, sorted([...slices.values()])])),
    node,
    tables,
    aside,
    contested,
    addresses,
  };
}

function sorted<T>(values: readonly T[]): T[] {
  return values.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

Deno.test("any moment reached from any other is what the fold makes of the records up to it", () => {
  const walk = fc.tuple(arbitraryHistory, fc.nat(), fc.array(fc.nat(), { minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(walk, ([events, cut, moves]) => {
      const records = [CONFIG, ...events];
      const first = cut % records.length;
      const timeline = timelineOf(dataOf(records, first));
      for (const move of [...moves, records.length - first]) {
        const offset = first - 1 + move % (records.length - first + 1);
        moveTo(timeline, offset);
        assert.equal(timeline.view.at, offset);
        assert.deepEqual(shownView(timeline.view), foldedView(records.slice(0, offset + 1)));
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("a change of the own node, a configuration and a Service set aside can be gone back over", () => {
  const node = (address: string): LedgerRecord =>
    appears({
      kind: "Node",
      metadata: { name: "node-a" },
      spec: {},
      status: { addresses: [{ type: "InternalIP", address }] },
    } as Node);
  const refused: LedgerRecord = {
    kind: "commit",
    time: "",
    from: 0,
    through: 3,
    digest: "",
    outcome: "rejected",
    error: "EINVAL",
    setAside: "shop/web",
    changes: [],
    changesOmitted: 0,
    operations: 1,
    microseconds: 1,
    generation: 1,
  };
  const records = [
    CONFIG,
    node("192.0.2.1"),
    appears(service("shop/web 10.96.0.1 http:80/tcp", undefined, { type: "NodePort" })),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    refused,
    node("192.0.2.2"),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.2")),
  ];
  const timeline = timelineOf(dataOf(records));
  for (const offset of [6, 4, 3, 0, -1, 5, 2, 6]) {
    moveTo(timeline, offset);
    assert.deepEqual(shownView(timeline.view), foldedView(records.slice(0, offset + 1)), `at @${offset}`);
  }
});

Deno.test("a ServicePort shows each endpoint, why it gets traffic or none, and the event that made it so", () => {
  const records = [
    CONFIG,
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a !10.244.0.2@node-b 10.244.0.3@node-b")),
    vanishes(slice("shop/web-a http:8080/tcp 10.244.0.1")),
  ];
  const timeline = timelineOf(dataOf(records));
  const [gone] = portViews(timeline.view, serviceNames(timeline.view)[0]!);
  assert.deepEqual(
    gone!.frontends.map(({ text, leads, cause }) => `${text} ${leads} @${cause}`),
    ["10.96.0.1:80 refused @4"],
  );
  moveTo(timeline, 3);
  const [port] = portViews(timeline.view, serviceNames(timeline.view)[0]!);
  assert.deepEqual(
    port!.endpoints.map(({ text, node, condition, traffic, cause }) =>
      `${text} ${node} ${condition}: ${traffic} @${cause}`
    ),
    [
      "10.244.0.1:8080 node-a ready: all @2",
      "10.244.0.2:8080 node-b not ready: none @3",
      "10.244.0.3:8080 node-b ready: all @3",
    ],
  );
  assert.equal(port!.serving, 2);
  assert.equal(port!.changed, 3);
  moveTo(timeline, 0);
  assert.deepEqual(serviceNames(timeline.view), []);
});

Deno.test("with affinity, endpoints and their causes come from the chains of the Service", () => {
  const records = [
    CONFIG,
    appears(service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, { sessionAffinity: "ClientIP" })),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    appears(slice("shop/web-b http:8080/tcp fd00::7")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2")),
  ];
  const { view } = timelineOf(dataOf(records));
  const endpoints = serviceNames(view).flatMap((name) => portViews(view, name)).flatMap((port) =>
    port.endpoints
  );
  assert.deepEqual(endpoints.map(({ text, cause }) => `${text} @${cause}`), [
    "10.244.0.1:8080 @2",
    "10.244.0.2:8080 @4",
    "[fd00::7]:8080 @3",
  ]);
});

Deno.test("of two Services that want one frontend, the younger one says who holds it", () => {
  const records = [
    CONFIG,
    appears(service("a/old 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", { externalIPs: ["192.0.2.9"] })),
    appears(service("b/young 10.96.0.2 http:80/tcp", "2026-02-01T00:00:00Z", { externalIPs: ["192.0.2.9"] })),
  ];
  const { view } = timelineOf(dataOf(records));
  const [, young] = serviceNames(view).map((name) => portViews(view, name)[0]!);
  assert.deepEqual(young!.frontends.map(({ text, holder }) => [text, holder]), [
    ["10.96.0.2:80", undefined],
    ["192.0.2.9:80", "a/old:http"],
  ]);
});

Deno.test("a change of a slice is shown by endpoint, one of a Service by field", () => {
  const before = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");
  const after = slice("shop/web-a http:8080/tcp !10.244.0.2 10.244.0.3");
  assert.deepEqual(objectChange(before, after), [
    "− 10.244.0.1 ready",
    "10.244.0.2: ready → not ready",
    "+ 10.244.0.3 ready",
  ]);
  assert.deepEqual(objectChange(before, before), []);
  assert.deepEqual(objectChange(before, undefined), ["− 10.244.0.1 ready", "− 10.244.0.2 ready"]);
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const cut = service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" });
  assert.deepEqual(objectChange(web, cut), ['spec.internalTrafficPolicy: nothing → "Local"']);
});
