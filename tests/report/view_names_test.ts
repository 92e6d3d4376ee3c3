// The names that a moment of a page knows are those that the state of the fold there knows.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf } from "../../src/history/directory.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { GrowingTimeline } from "../../src/report/timeline.ts";
import { namesIn } from "../../src/report/view_names.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { CONFIG, nodeEvent } from "../support/report_records.ts";

Deno.test("names are those of the moment: Services, nodes, pods", () => {
  const records = [
    CONFIG,
    nodeEvent("192.0.2.1"),
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-b")),
    appears(service("shop/cart 10.96.0.2 http:80/tcp")),
    vanishes(service("shop/web 10.96.0.1 http:80/tcp")),
  ];
  const timeline = new GrowingTimeline({ first: 0, snapshot: [] });
  const state = emptyState();
  const sizes = records.map((record, offset) => {
    timeline.append(record);
    timeline.moveTo(offset);
    foldRecord(state, offset as Offset, record);
    const [names, expected] = [namesIn(timeline), directoryOf(state)];
    assert.deepEqual([...names.services.keys()].sort(), [...expected.services.keys()].sort());
    assert.deepEqual(names.nodes, expected.nodes);
    assert.deepEqual(names.pods, expected.pods);
    assert.deepEqual(names.zones, expected.zones);
    assert.deepEqual(names.slices, expected.slices);
    return `${names.services.size} ${names.nodes.size}`;
  });
  assert.deepEqual(sizes, ["0 0", "0 1", "1 1", "1 2", "2 2", "1 2"]);
});
