// What records did to Services.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { journalEntries, type JournalEntry } from "../../src/history/journal.ts";
import { servedText } from "../../src/history/service_condition.ts";
import { type LedgerRecord, offsetOf } from "../../src/ledger/record.ts";
import { TRIGGER } from "../../src/kube/objects.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { timeAt } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

function entriesOf(records: readonly LedgerRecord[]): JournalEntry[] {
  const state = emptyState();
  return records.flatMap((record, i) => journalEntries(state, offsetOf(i), record));
}

const records = () => [...webPast().records()].map(({ record }) => record);

Deno.test("an event says what it changed in the object, and what that did to its Service", () => {
  const entries = entriesOf(records());
  const shown = entries.filter(({ kind }) => kind === "event").map((entry) => [
    entry.offset,
    entry.object,
    entry.verb,
    entry.service,
    entry.effect,
    entry.condition?.serving,
    entry.condition?.lacking.join(),
    entry.came.map(servedText).join(),
    entry.left.map(servedText).join(),
  ]);
  assert.deepEqual(shown, [
    [0, "Service shop/web", "appeared", "shop/web", true, 0, "http", "", ""],
    [
      1,
      "EndpointSlice shop/web-a",
      "appeared",
      "shop/web",
      true,
      2,
      "",
      "10.244.0.1:8080,10.244.0.2:8080",
      "",
    ],
    [3, "EndpointSlice shop/web-a", "changed", "shop/web", true, 1, "", "", "10.244.0.1:8080"],
    [5, "EndpointSlice shop/web-a", "changed", "shop/web", true, 0, "http", "", "10.244.0.2:8080"],
    [
      7,
      "EndpointSlice shop/web-a",
      "changed",
      "shop/web",
      true,
      2,
      "",
      "10.244.0.1:8080,10.244.0.2:8080",
      "",
    ],
    [9, "Service shop/web", "changed", "shop/web", true, 2, "", "", ""],
    [11, "Service shop/cart", "appeared", "shop/cart", true, 0, "http", "", ""],
    [12, "Service shop/gone", "gone", "shop/gone", false, undefined, undefined, "", ""],
  ]);
  assert.deepEqual(entries.find(({ offset }) => offset === 9)?.fields, [
    { path: "externalTrafficPolicy", was: "Cluster", is: "Local" },
  ]);
  assert.deepEqual(entries.find(({ offset }) => offset === 5)?.endpoints, [
    { address: "10.244.0.2", was: "ready", is: "not ready", node: "node-b", pod: "" },
  ]);
});

Deno.test("a commit has its bounds, and any other record its text", () => {
  const entries = entriesOf([
    ...records().slice(0, 3),
    {
      kind: "drift",
      time: timeAt(9),
      process: "nft",
      pid: 7,
      changes: ["delete table"],
      response: "put back",
    },
    { kind: "gap", time: timeAt(9), reason: "the disk was full", records: 3 },
    { kind: "config", time: timeAt(9), version: "9", nodeName: "node-a" },
  ]);
  const [commit, drift, gap, config] = entries.slice(2);
  assert.deepEqual([commit?.commit?.from, commit?.commit?.through, commit?.commit?.accepted], [0, 1, true]);
  assert.equal(drift?.text, "drift: nft (process 7): delete table; put back");
  assert.equal(gap?.text, "gap of 3 records: the disk was full");
  assert.equal(config?.text, "configuration of node node-a, version 9");
});

Deno.test("a slice that changes its Service has an entry for both; a configuration one for each Service that it changed", () => {
  const moved = {
    ...slice("shop/web-a http:80/tcp 10.0.0.1@node-a"),
    metadata: slice("shop/cart-a 10.0.0.1").metadata,
  };
  const local = service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" });
  const entries = entriesOf([
    { kind: "config", time: timeAt(0), version: "1", nodeName: "node-b" },
    appears(local),
    appears(service("shop/cart 10.96.0.2 http:80/tcp")),
    appears(slice("shop/web-a http:80/tcp 10.0.0.1@node-a")),
    { kind: "config", time: timeAt(1), version: "1", nodeName: "node-a" },
    vanishes(slice("shop/web-a http:80/tcp 10.0.0.1@node-a")),
    appears({ ...moved, metadata: { ...moved.metadata, name: "web-a" } }),
  ]);
  const at = (offset: number) => entries.filter((entry) => entry.offset === offset);
  assert.deepEqual(at(4).map(({ service, text, came }) => [service, text !== "", came.length]), [[
    "",
    true,
    0,
  ], [
    "shop/web",
    false,
    1,
  ]]);
  assert.deepEqual(at(6).map(({ service, came }) => [service, came.length]), [["shop/cart", 1]]);
});

Deno.test("a trigger time counts once, with the event that brings it", () => {
  const triggered = (time: string, ...addresses: string[]) => {
    const plain = slice(`shop/web-a http:80/tcp ${addresses.join(" ")}`);
    return appears({ ...plain, metadata: { ...plain.metadata, annotations: { [TRIGGER]: time } } });
  };
  const entries = entriesOf([
    triggered(timeAt(1), "10.0.0.1"),
    triggered(timeAt(1), "10.0.0.1", "10.0.0.2"),
    triggered(timeAt(5), "10.0.0.2"),
    triggered("never", "10.0.0.1"),
  ]);
  assert.deepEqual(entries.map(({ trigger }) => trigger), [
    Date.parse(timeAt(1)),
    0,
    Date.parse(timeAt(5)),
    0,
  ]);
});
