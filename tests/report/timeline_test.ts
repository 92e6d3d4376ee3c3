// The state of a timeline at every moment, reached from every other moment, is that of a fold up to there.

import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyState, ownNode } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { nodeAddresses } from "../../src/history/packet_words.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import type { ReportData } from "../../src/report/report_data.ts";
import { portViews, serviceNames } from "../../src/report/service_view.ts";
import { timelineOf, type View } from "../../src/report/timeline.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { CONFIG, nodeEvent } from "../support/report_records.ts";

function stateAfter(records: readonly LedgerRecord[]) {
  const state = emptyState();
  records.forEach((record, offset) => foldRecord(state, offset as Offset, record));
  return state;
}

/** The data of a page whose window begins at offset `first` of `records`. */
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
    outages: [],
  };
}

/** The state that the fold makes of `records`, sorted. */
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

Deno.test("the view at any moment, reached from any other, is what the fold makes of the records up to it", () => {
  const walk = fc.tuple(arbitraryHistory, fc.nat(), fc.array(fc.nat(), { minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(walk, ([events, cut, moves]) => {
      const records = [CONFIG, ...events];
      const first = cut % records.length;
      const timeline = timelineOf(dataOf(records, first));
      for (const move of [...moves, records.length - first]) {
        const offset = first - 1 + move % (records.length - first + 1);
        timeline.moveTo(offset);
        assert.equal(timeline.view.at, offset);
        assert.deepEqual(shownView(timeline.view), foldedView(records.slice(0, offset + 1)));
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("once the window begins later, each moment that is left is shown as before", () => {
  const walk = fc.tuple(arbitraryHistory, fc.nat(), fc.nat());
  fc.assert(
    fc.property(walk, ([events, cut, forgotten]) => {
      const records = [CONFIG, ...events];
      const begin = cut % records.length;
      const timeline = timelineOf(
        dataOf(records.slice(0, -1), Math.max(0, Math.min(begin, records.length - 2))),
      );
      const first = timeline.first + forgotten % (timeline.records.length + 1);
      timeline.forgetBefore(first);
      assert.deepEqual([timeline.first, timeline.records.length], [first, records.length - 1 - first]);
      timeline.append(records.at(-1)!);
      for (let offset = first - 1; offset < records.length; offset++) {
        timeline.moveTo(offset);
        assert.deepEqual(shownView(timeline.view), foldedView(records.slice(0, offset + 1)));
        assert.equal(
          timeline.view.portCount,
          serviceNames(timeline.view).flatMap((name) => portViews(timeline.view, name)).length,
        );
        for (const name of serviceNames(timeline.view)) {
          assert.ok(timeline.services.names.includes(name), name);
        }
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("the timeline goes back over a change of the own node, a configuration and a Service set aside", () => {
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
    nodeEvent("192.0.2.1"),
    appears(service("shop/web 10.96.0.1 http:80/tcp", undefined, { type: "NodePort" })),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    refused,
    nodeEvent("192.0.2.2"),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.2")),
  ];
  const timeline = timelineOf(dataOf(records));
  for (const offset of [6, 4, 3, 0, -1, 5, 2, 6]) {
    timeline.moveTo(offset);
    assert.deepEqual(shownView(timeline.view), foldedView(records.slice(0, offset + 1)), `at @${offset}`);
  }
});
