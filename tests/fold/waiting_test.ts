// What waits for a step: large Services, and others while much changes between two commits.

import assert from "node:assert/strict";
import fc from "fast-check";
import { firstPart } from "../../src/engine/halving.ts";
import { SERVICE_BOUNDS } from "../../src/kube/bounds.ts";
import type { Node as NodeObject } from "../../src/kube/objects.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { isUnfinished, unfinishedServices } from "../../src/fold/unfinished.ts";
import { waitingOf } from "../../src/fold/waiting_line.ts";
import type { CommitRecord, ConfigRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const CONFIG: ConfigRecord = {
  ...{ kind: "config", time: TIME, version: "0", nodeName: "node-a" },
  bounds: { most: 1000, large: 100, step: 40, burst: { small: 4, most: 30 } },
};
const COMMIT: CommitRecord = {
  ...{ kind: "commit", time: TIME, from: 0, through: 0, digest: "", outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
};
const HOSTS = Array.from({ length: 10 }, (_, i) => `10.244.0.${i + 1}`).join(" ");
/** A Service of about twenty elements, after its slice, so that it is settled once. */
const middle = (i: number) => [
  slice(`evil/m${i}-a a:1/tcp b:2/tcp ${HOSTS}`),
  service(`evil/m${i} 10.97.0.${i} a:1/tcp b:2/tcp`),
];
const MIDDLES = [1, 2, 3, 4, 5].flatMap(middle);
const LARGE_PORTS = Array.from({ length: 12 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
const SMALL = [slice("shop/web-a http:8080/tcp 10.244.1.1"), service("shop/web 10.96.0.9 http:80/tcp")];

/** A state, and how many elements its records have changed. */
class Fold {
  readonly state = emptyState();
  readonly #changes = noChanges();

  constructor(...records: readonly LedgerRecord[]) {
    this.fold(...records);
  }

  fold(...records: readonly LedgerRecord[]): void {
    for (const record of records) {
      foldRecord(this.state, this.state.folded + 1 as Offset, record, this.#changes);
    }
  }

  get touched(): number {
    return [...this.#changes.touched.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Services whose rules are made. */
  get made(): number {
    return this.state.programs.size;
  }
}

Deno.test("Services that are not small wait once the events since the last commit have changed much; small ones do not", () => {
  const one = new Fold(CONFIG, COMMIT, ...MIDDLES.map(appears), ...SMALL.map(appears));
  assert.deepEqual([one.made, unfinishedServices(one.state)], [3, 3], "two of the five, and the small one");
  assert.ok(one.state.programs.has("shop/web" as never));
  const most = CONFIG.bounds!.burst!.most + 25;
  assert.ok(one.touched <= most + 2, `${one.touched} elements`);
});

Deno.test("while Services wait, others wait behind them; steps make the first ones first, and then events settle Services again", () => {
  const one = new Fold(CONFIG, COMMIT, ...MIDDLES.map(appears), COMMIT, ...middle(6).map(appears));
  assert.deepEqual(
    [one.made, unfinishedServices(one.state)],
    [2, 4],
    "the sixth waits behind those before it",
  );
  one.fold({ ...COMMIT, advances: true });
  assert.ok(one.state.programs.has("evil/m3" as never));
  for (let steps = 0; isUnfinished(one.state) && steps < 9; steps++) one.fold({ ...COMMIT, advances: true });
  assert.equal(one.made, 6);
  one.fold(COMMIT, ...middle(7).map(appears));
  assert.equal(one.made, 7, "none waits any more");
});

Deno.test("namespaces take turns: a Service waits behind one of a tenant, and not behind a hundred", () => {
  const tenant = Array.from({ length: 100 }, (_, i) => [
    slice(`evil/t${i}-a a:1/tcp b:2/tcp ${HOSTS}`),
    service(`evil/t${i} 10.98.0.${i} a:1/tcp b:2/tcp`),
  ]).flat();
  const legitimate = [
    slice(`shop/api-a a:1/tcp b:2/tcp ${HOSTS}`),
    service("shop/api 10.96.0.7 a:1/tcp b:2/tcp"),
  ];
  const stepsUntil = (takesTurns: boolean) => {
    const bounds = { ...CONFIG.bounds!, takesTurns };
    const one = new Fold({ ...CONFIG, bounds }, COMMIT, ...[...tenant, ...legitimate].map(appears));
    let steps = 0;
    for (; !one.state.programs.has("shop/api" as never); steps++) one.fold({ ...COMMIT, advances: true });
    // One whose namespace does not wait takes what is left of the next burst.
    one.fold(
      COMMIT,
      ...[slice("late/a-a a:1/tcp 10.244.3.1"), service("late/a 10.96.0.8 a:1/tcp b:2/tcp c:3/tcp")].map(
        appears,
      ),
    );
    return {
      steps,
      late: one.state.programs.has("late/a" as never),
      wait: unfinishedServices(one.state) > 50,
    };
  };
  assert.deepEqual(stepsUntil(true), { steps: 1, late: true, wait: true });
  assert.ok(stepsUntil(false).steps > 40, "as ledgers without turns are replayed");
});

Deno.test("before the first commit no Service waits for others, where there is no bound for it", () => {
  assert.equal(new Fold(CONFIG, ...MIDDLES.map(appears)).made, 5);
});

Deno.test("a first sync of very many elements brings a part, small Services whole; the rest comes in steps", () => {
  const one = new Fold({ ...CONFIG, bounds: SERVICE_BOUNDS });
  const ports = Array.from({ length: 10 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const hosts = Array.from({ length: 99 }, (_, i) => `10.244.0.${i + 1}`).join(" ");
  for (let i = 0; i < 300; i++) {
    one.fold(
      appears(slice(`evil/m${i}-a ${ports} ${hosts}`)),
      appears(service(`evil/m${i} 10.97.${i >> 8}.${i & 255} ${ports}`)),
    );
  }
  one.fold(...SMALL.map(appears));
  assert.ok(one.touched < 200_000, `${one.touched} elements`);
  assert.ok(one.touched > 100_000, `${one.touched} elements`);
  assert.ok(one.state.programs.has("shop/web" as never));
  for (let steps = 0; isUnfinished(one.state) && steps < 999; steps++) {
    one.fold({ ...COMMIT, advances: true });
  }
  assert.equal(one.made, 301);
});

Deno.test("a first sync of 30,000 Services of two endpoints is one commit", () => {
  const one = new Fold({ ...CONFIG, bounds: SERVICE_BOUNDS });
  for (let i = 0; i < 30_000; i++) {
    const address = `${i >> 8}.${i & 255}`;
    one.fold(
      appears(slice(`shop/s${i}-a http:80/tcp 10.128.${address} 10.129.${address}`)),
      appears(service(`shop/s${i} 10.97.${address} http:80/tcp`)),
    );
  }
  assert.equal(isUnfinished(one.state), false);
  assert.equal(firstPart(one.touched, { kind: "unknown" }, one.state), undefined, `${one.touched} elements`);
});

Deno.test("Services that wait go on waiting when all are settled, as for a change of the own Node", () => {
  const node: NodeObject = {
    kind: "Node",
    metadata: { name: "node-a" },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  };
  const large = [
    slice(`evil/large-a ${LARGE_PORTS} ${HOSTS}`),
    service(`evil/large 10.97.1.1 ${LARGE_PORTS}`),
  ];
  const one = new Fold(CONFIG, COMMIT, ...[...large, ...MIDDLES].map(appears));
  assert.deepEqual([one.made, unfinishedServices(one.state)], [2, 4]);
  one.fold(appears(node));
  assert.deepEqual([one.made, unfinishedServices(one.state)], [2, 4]);
  for (let steps = 0; isUnfinished(one.state) && steps < 99; steps++) one.fold({ ...COMMIT, advances: true });
  assert.equal(one.made, 6);
});

Deno.test("a Service that waits and goes again leaves nothing to do", () => {
  const one = new Fold(CONFIG, COMMIT, ...MIDDLES.map(appears));
  const before = one.touched;
  one.fold(...middle(5).reverse().map(vanishes));
  assert.equal(one.touched, before);
});

Deno.test("a snapshot has what the events since the last commit have changed: the same Services wait after it", () => {
  let snapshots = 0;
  fc.assert(
    fc.property(
      arbitraryHistory,
      fc.infiniteStream(fc.nat(5)),
      fc.boolean(),
      (events, random, takesTurns) => {
        const bounds = { most: 1000, large: 1000, step: 9, burst: { small: 1, most: 6 }, takesTurns };
        const records: LedgerRecord[] = [{ ...CONFIG, bounds }];
        for (const event of events) {
          records.push(event);
          if (random.next().value === 0) records.push({ ...COMMIT, advances: true });
        }
        const one = new Fold();
        for (const [i, record] of records.entries()) {
          one.fold(record);
          if (isUnfinished(one.state)) continue;
          const restored = restoredState(asFile(one));
          const tail = records.slice(i + 1);
          tail.forEach((next, n) => foldRecord(restored, i + 1 + n as Offset, next));
          const whole = new Fold(...records);
          assert.deepEqual(waitingOf(restored.postponed), waitingOf(whole.state.postponed));
          assert.equal(restored.changed, whole.state.changed);
          snapshots += whole.state.postponed.size;
        }
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(snapshots > 0, "some wait");
});

function asFile({ state }: Fold): SnapshotLine[] {
  return [...snapshotLines(state)].map((line) => JSON.parse(JSON.stringify(line)) as SnapshotLine);
}
