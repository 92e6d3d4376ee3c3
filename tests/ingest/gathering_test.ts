// The first lists of several resources become one list.

import assert from "node:assert/strict";
import { gatherLists, newGathering } from "../../src/ingest/gathering.ts";
import type { ListBatch, SourceBatch } from "../../src/ingest/source.ts";
import type { ObjectKind } from "../../src/kube/objects.ts";

const list = (kind: ObjectKind): ListBatch => ({
  kind: "list",
  kinds: [kind],
  objects: [],
  complete: true,
  time: "2026-01-01T00:00:00.000Z",
  problems: [],
});
const change: SourceBatch = {
  kind: "events",
  events: [{
    key: { kind: "Node", namespace: "", name: "a" },
    value: null,
    resourceVersion: "2",
    time: "2026-01-01T00:00:01.000Z",
  }],
  problems: [],
};
const problem: SourceBatch = { kind: "events", events: [], problems: ["Node: trying again"] };

Deno.test("all lists but the last are parts; changes and second lists wait for it", () => {
  const gathering = newGathering([{ kind: "Node", needed: false }, { kind: "Service", needed: true }]);
  assert.deepEqual(gatherLists(gathering, list("Node")), [{ ...list("Node"), part: true }]);
  assert.deepEqual(gatherLists(gathering, change), []);
  assert.deepEqual(gatherLists(gathering, list("Node")), []);
  assert.deepEqual(gatherLists(gathering, list("Service")), [list("Service"), change, list("Node")]);
  assert.deepEqual(gatherLists(gathering, change), [change]);
});

Deno.test("problems and parts pass at once, and so does everything when no list is missing", () => {
  const gathering = newGathering([{ kind: "Service", needed: true }]);
  const part: ListBatch = { ...list("Service"), part: true };
  assert.deepEqual(gatherLists(gathering, problem), [problem]);
  assert.deepEqual(gatherLists(gathering, part), [part]);
  assert.deepEqual(gatherLists(newGathering([]), change), [change]);
});

Deno.test("lists that rules need are handed on in the order of their kinds, others as they arrive", () => {
  const gathering = newGathering([
    { kind: "Node", needed: false },
    { kind: "EndpointSlice", needed: true },
    { kind: "Service", needed: true },
  ]);
  const fragment: ListBatch = { ...list("Service"), complete: false, part: true, fragment: true };
  assert.deepEqual(gatherLists(gathering, fragment), []);
  assert.deepEqual(gatherLists(gathering, list("Service")), []);
  assert.deepEqual(gatherLists(gathering, change), []);
  assert.deepEqual(gatherLists(gathering, list("EndpointSlice")), [
    { ...list("EndpointSlice"), part: true },
    fragment,
    { ...list("Service"), part: true },
  ]);
  assert.deepEqual(gatherLists(gathering, list("Node")), [list("Node"), change]);
  assert.deepEqual(gatherLists(gathering, list("Node")), [list("Node")]);
});
