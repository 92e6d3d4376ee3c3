// The causes of elements in a state that is made from a snapshot.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { keyed } from "../support/keyed.ts";

function folded(...objects: readonly KubeObject[]): ClusterState {
  const state = emptyState();
  objects.forEach((object, offset) => foldRecord(state, offset as Offset, appears(object)));
  return state;
}

/** The lines of the snapshot of `state`, as they are read. */
function written(state: ClusterState): SnapshotLine[] {
  return JSON.parse(JSON.stringify([...snapshotLines(state)]));
}

/** The cause of each element, by its place. */
function causes(state: ClusterState): Record<string, number> {
  return Object.fromEntries(
    [...state.causes].flatMap(([path, keyed]) => [...keyed].map(([key, cause]) => [`${path} ${key}`, cause])),
  );
}

const EXTERNAL = { externalIPs: ["192.0.2.1"] };

/** A frontend that is claimed by the older Service after the younger one has had it. The names sort the other way round. */
const CONTESTED = [
  service("shop/a-young 10.96.0.1 http:80/tcp", "2026-02-01T00:00:00Z", EXTERNAL),
  slice("shop/a-young-a http:8080/tcp 10.244.0.1 10.244.0.2"),
  service("shop/b-old 10.96.0.2 http:80/tcp", "2026-01-01T00:00:00Z", EXTERNAL),
  slice("shop/b-old-a http:8080/tcp 10.244.0.3"),
  service("shop/c 10.96.0.3 http:80/tcp", "2026-01-01T00:00:00Z"),
  slice("shop/c-a http:8080/tcp 10.244.0.4 10.244.0.5 10.244.0.6"),
  slice("shop/a-young-a http:8080/tcp 10.244.0.2 10.244.0.7"),
];

Deno.test("each element has the cause that the snapshot lists, also where a frontend went to another Service", () => {
  const state = folded(...CONTESTED);
  const listed = causes(state);
  assert.ok(state.contested.size > 0 && new Set(Object.values(listed)).size > 4);
  const restored = restoredState(written(state));
  assert.deepEqual(causes(restored), listed);
  assert.deepEqual(keyed(restored.desired), keyed(state.desired));
});

Deno.test("a snapshot with fewer causes than elements leaves those of the snapshot's place to that Service alone", () => {
  const state = folded(...CONTESTED);
  const listed = causes(state);
  for (const given of [[], [1 as Offset]]) {
    const lines = written(state).map((line) =>
      line.kind === "slots" && line.service === "shop/c" ? { ...line, causes: given } : line
    );
    const restored = causes(restoredState(lines));
    assert.deepEqual(Object.keys(restored).sort(), Object.keys(listed).sort());
    const others = Object.keys(listed).filter((place) => restored[place] !== listed[place]);
    assert.ok(others.length > 0 && others.every((place) => /10\.96\.0\.3/.test(place)), others.join());
    assert.ok(others.every((place) => restored[place] === state.folded));
  }
});

Deno.test("causes of another layout that has as many elements are not taken for those of this one", () => {
  const web = service("shop/web 10.96.0.1 http:80/tcp", undefined, { type: "NodePort" });
  const ports = [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }];
  const state = folded(
    { ...web, spec: { ...web.spec, ports } },
    slice("shop/web-a http:8080/tcp 10.244.0.1"),
    slice("shop/web-a http:8080/tcp 10.244.0.2"),
  );
  const listed = causes(state);
  // Up to 0.6.0: cluster-ips, endpoints, nodeport-endpoints, service-ips, service-nodeports.
  const before = [0, 2, 2, 1, 1] as Offset[];
  const lines = written(state).map((line): SnapshotLine => {
    if (line.kind !== "state") return line.kind === "slots" ? { ...line, causes: before } : line;
    const { fold: _, ...rest } = line;
    return rest;
  });
  const restored = restoredState(lines);
  assert.equal(Object.keys(listed).length, before.length);
  for (const [place, cause] of Object.entries(listed)) {
    const now = causes(restored)[place];
    assert.ok(now === cause || now === state.folded, `${place}: ${now}, and not ${cause}`);
  }
});
