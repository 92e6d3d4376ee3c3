// A tenant with many Services just below the bound of one: the large Services of a namespace have a bound together.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { type FoldChanges, noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { remarks } from "../../src/fold/remarks.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { nodeStateOf } from "../../src/history/status.ts";
import { SERVICE_BOUNDS, type ServiceBounds } from "../../src/kube/bounds.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { pastOf } from "../support/past.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const config = (bounds: ServiceBounds): LedgerRecord => ({
  ...{ kind: "config", time: TIME, version: "0", nodeName: "node-a" },
  bounds,
});
const COMMIT: CommitRecord = {
  ...{ kind: "commit", time: TIME, from: 0, through: 0, digest: "", outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
};
const STEP: CommitRecord = { ...COMMIT, advances: true };
/** Large Services of more than ten elements, of which a namespace may have a hundred. */
const BOUNDS = { most: 90, large: 10, step: 50, namespace: { large: 10, most: 100 } };

/** Folds records; then steps, until no Service waits. */
class Fold {
  readonly state: ClusterState = emptyState();
  readonly records: LedgerRecord[] = [];
  readonly log: string[] = [];

  constructor(bounds: ServiceBounds) {
    this.fold(config(bounds));
  }

  fold(...records: readonly LedgerRecord[]): void {
    for (const record of records) this.#fold(record);
    for (let steps = 0; isUnfinished(this.state); steps++) {
      assert.ok(steps < 5000, "the steps end");
      this.#fold(STEP);
    }
  }

  #fold(record: LedgerRecord): void {
    this.records.push(record);
    const changes: FoldChanges = noChanges();
    foldRecord(this.state, this.state.folded + 1 as Offset, record, changes);
    this.log.push(...remarks(this.state, changes).map(({ text }) => text));
  }

  /** The Services of which elements exist. */
  get served(): string {
    const names = new Set<string>();
    for (const set of this.state.desired.values()) {
      for (const { comment } of set.values()) if (comment !== undefined) names.add(comment.split(":")[0]!);
    }
    return [...names].sort().join(" ");
  }

  get elements(): number {
    return [...this.state.desired.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

const hosts = (count: number) =>
  Array.from({ length: count }, (_, i) => `10.1.${i >> 8}.${i & 255}`).join(" ");
/** A Service of one port that counts `size` elements: a frontend, and the endpoints behind it. */
const sized = (name: string, number: number, size: number): KubeObject[] => [
  slice(`${name}-a http:80/tcp ${hosts(size - 1)}`),
  service(`${name} 10.96.1.${number} http:80/tcp`),
];
const resized = (name: string, size: number) => appears(slice(`${name}-a http:80/tcp ${hosts(size - 1)}`));
const crowd = () => {
  const one = new Fold(BOUNDS);
  one.fold(...["a", "b", "c", "d"].flatMap((name, i) => sized(`evil/${name}`, i, 40).map(appears)));
  return one;
};

Deno.test("sixty Services just below the bound of one cost no more than four of them, and others are served", () => {
  const one = new Fold(SERVICE_BOUNDS);
  const ports = Array.from({ length: 16 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  for (let i = 0; i < 6; i++) {
    one.fold(
      ...[0, 1, 2, 3].map((part) =>
        appears(slice(`evil/s${i}-${part} ${ports} ${hosts(1000).replaceAll("10.1.", `10.${part + 1}.`)}`))
      ),
      appears(service(`evil/s${i} 10.97.0.${i} ${ports}`)),
    );
  }
  one.fold(...sized("evil/small", 7, 20).map(appears), ...sized("shop/large", 8, 2000).map(appears));
  assert.ok(one.elements < 4 * 65_536 + 2100, `${one.elements} elements`);
  assert.equal(one.served, "evil/s0 evil/s1 evil/s2 evil/s3 evil/small shop/large");
});

Deno.test("those that are over it are set aside, and named in log and status; those served first stay", () => {
  const one = crowd();
  assert.equal(one.served, "evil/a evil/b");
  const why = "namespace evil has 80 elements in large Services, at most 100: about 40 more are too many";
  assert.deepEqual(one.log.slice(0, 1), [`Service evil/c is set aside until there is room: ${why}`]);
  const { findings } = nodeStateOf(pastOf(one.records), one.state);
  assert.ok(findings.some(({ topic, text }) => topic === "set aside" && text.endsWith(why)));
  one.fold(...sized("evil/small", 7, 10).map(appears), ...sized("shop/web", 8, 90).map(appears));
  assert.equal(one.served, "evil/a evil/b evil/small shop/web");
});

Deno.test("what all namespaces have together has a bound: those served first stay, and those of small namespaces come first", () => {
  const one = new Fold({ ...BOUNDS, node: { most: 200 } });
  for (const [i, name] of ["e1/a", "e1/b", "e2/a", "e2/b", "e3/a", "shop/big"].entries()) {
    one.fold(...sized(name, i, 45).map(appears));
  }
  one.fold(...sized("shop/small", 7, 10).map(appears));
  assert.equal(one.served, "e1/a e1/b e2/a e2/b shop/small");
  assert.equal(
    one.log.find((text) => text.includes("shop/big")),
    "Service shop/big is set aside until there is room: " +
      "all namespaces have 180 elements in large Services, at most 200: about 45 more are too many",
  );
  one.fold(resized("e1/a", 5));
  assert.equal(one.served, "e1/a e1/b e2/a e2/b e3/a shop/small", "by name where two have as little");
  one.fold(vanishes(service("e3/a 10.96.1.4 http:80/tcp")));
  one.fold(resized("e1/a", 45));
  assert.equal(one.served, "e1/b e2/a e2/b shop/big shop/small", "who left and comes back waits");
});

Deno.test("once one of the namespace shrinks or goes, those for which there is room are served", () => {
  const one = crowd();
  one.fold(resized("evil/a", 12));
  assert.equal(one.served, "evil/a evil/b evil/c");
  one.fold(...sized("evil/b", 1, 40).reverse().map(vanishes));
  assert.equal(one.served, "evil/a evil/c evil/d");
  assert.deepEqual([...one.state.aside], []);
  one.fold(resized("evil/c", 80));
  assert.equal(one.served, "evil/a evil/d", "one that grows over the bound is set aside");
  one.fold(resized("evil/c", 40));
  assert.equal(one.served, "evil/a evil/c evil/d");
});

Deno.test("a Service that the kernel rejects leaves room, and is not served again with it", () => {
  const one = crowd();
  one.fold({ ...COMMIT, outcome: "rejected", error: "no", setAside: "evil/a" });
  assert.equal(one.served, "evil/b evil/c");
  one.fold(...sized("evil/b", 1, 40).reverse().map(vanishes));
  assert.equal(one.served, "evil/c evil/d");
});

Deno.test("a snapshot has who waits for room: the same Services are served after it", () => {
  const bounds = { most: 1000, large: 3, step: 9, namespace: { large: 3, most: 12 } };
  let crowded = 0;
  fc.assert(
    fc.property(arbitraryHistory, fc.nat(), (events, chance) => {
      const whole = new Fold(bounds);
      events.forEach((event) => whole.fold(event));
      crowded += whole.state.crowded.size;
      const one = new Fold(bounds);
      const at = events.length && chance % events.length;
      for (const event of events.slice(0, at)) one.fold(event);
      const restored = restoredState(asFile(one.state));
      whole.records.slice(one.records.length).forEach((record, i) =>
        foldRecord(restored, one.records.length + i as Offset, record)
      );
      assert.deepEqual(asFile(restored), asFile(whole.state));
      assert.deepEqual(restored.largeServices, whole.state.largeServices);
      for (const served of whole.state.largeServices.values()) {
        assert.ok([...served.values()].reduce((a, b) => a + b) <= bounds.namespace.most);
      }
    }),
    { numRuns: 100 },
  );
  assert.ok(crowded > 0, "some wait for room");
});

function asFile(state: ClusterState): SnapshotLine[] {
  return [...snapshotLines(state)].map((line) => JSON.parse(JSON.stringify(line)) as SnapshotLine);
}
