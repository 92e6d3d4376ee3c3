// Rules of large Services are made in steps at commits. With bounds so small that every Service is large, the steps of any
// history lead to the rules that it has without bounds, and each step leaves rules that a kernel takes.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { type FoldChanges, noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { CONTAINERS, OBJECT_PATHS, PATHS } from "../../src/fold/skeleton.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type {
  CommitRecord,
  ConfigRecord,
  EventRecord,
  LedgerRecord,
  Offset,
} from "../../src/ledger/record.ts";
import { type ElementKey, elementKey, type SetPath } from "../../src/nft/ruleset.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { applyDelta, type MutableElements } from "../../src/plan/delta.ts";
import { elementOperations, isRetired, plan } from "../../src/plan/plan.ts";
import { arbitraryHistory } from "../support/arbitrary_history.ts";
import { appears, lines, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import { meaning } from "../support/meaning.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const CONFIG: ConfigRecord = { kind: "config", time: TIME, version: "0", nodeName: "node-a" };
/** Bounds with which every Service is large, and bounds with which every one waits because of what changed before. */
const TINY: readonly ConfigRecord[] = [
  { ...CONFIG, bounds: { most: 1000, large: 0, step: 1 } },
  { ...CONFIG, bounds: { most: 1000, large: 1000, step: 1, burst: { small: 0, most: 0 } } },
  { ...CONFIG, bounds: { most: 1000, large: 9, step: 2, burst: { small: 2, most: 3 } } },
];
const STEPS_MAX = 10_000;
/** How many steps follow each event. */
const STEPS = fc.infiniteStream(fc.nat(3));

/** A commit of everything before it, with a step after it. */
function stepAt(offset: number): CommitRecord {
  return {
    ...{ kind: "commit", time: TIME, from: 0, through: offset - 1, digest: "", outcome: "committed" },
    ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0, advances: true },
  };
}

/** A fold that makes steps when it is asked to. */
class Stepped {
  readonly state: ClusterState = emptyState();
  #next = 0;

  fold(...records: readonly LedgerRecord[]): FoldChanges {
    const changes = noChanges();
    for (const record of records) foldRecord(this.state, this.#next++ as Offset, record, changes);
    return changes;
  }

  step(): FoldChanges {
    return this.fold(stepAt(this.#next));
  }

  finish(): void {
    for (let steps = 0; isUnfinished(this.state); steps++) {
      assert.ok(steps < STEPS_MAX, "the steps end");
      this.step();
    }
  }
}

Deno.test("the steps of any history end, with the rules that it has without bounds, except for slot numbers", () => {
  fc.assert(fc.property(arbitraryHistory, fc.constantFrom(...TINY), STEPS, (records, config, random) => {
    const stepped = new Stepped();
    stepped.fold(config);
    for (const record of records) {
      stepped.fold(record);
      for (let n = random.next().value!; n > 0; n--) stepped.step();
    }
    stepped.finish();
    const whole = folded(CONFIG, ...records);
    assert.deepEqual(meaning(stepped.state.desired), meaning(whole.desired));
    assert.deepEqual([...stepped.state.contested].sort(), [...whole.contested].sort());
  }));
});

/** A fold each change of which is committed to a kernel. */
class Committed extends Stepped {
  readonly #kernel = new FakeKernel();
  readonly #committed: MutableElements = new Map();
  readonly #touched: FoldChanges["touched"] = new Map();

  constructor(config: ConfigRecord) {
    super();
    const first = super.fold(config);
    this.#kernel.commit(this.state.tables.flatMap(createTable));
    this.#commit(first);
  }

  override fold(...records: readonly LedgerRecord[]): FoldChanges {
    const changes = super.fold(...records);
    this.#commit(changes);
    return changes;
  }

  #commit({ touched }: FoldChanges): void {
    for (const [path, keys] of touched) this.#touch(path, keys);
    const delta = plan(this.#committed, this.state.desired, this.#touched);
    this.#kernel.commit(elementOperations(delta, CONTAINERS));
    applyDelta(this.#committed, delta);
    this.#touched.clear();
    for (const { set, key, after } of delta) {
      if (isRetired(set, after)) this.#touch(set, new Map([[key, 0 as Offset]]));
    }
  }

  #touch(path: SetPath, keys: ReadonlyMap<ElementKey, Offset>): void {
    this.#touched.set(path, new Map([...this.#touched.get(path) ?? [], ...keys]));
  }
}

Deno.test("a kernel takes the rules after each step", () => {
  fc.assert(
    fc.property(arbitraryHistory, fc.constantFrom(...TINY), STEPS, (records, config, random) => {
      const stepped = new Committed(config);
      for (const record of records) {
        stepped.fold(record);
        for (let n = random.next().value!; n > 0; n--) stepped.step();
      }
      stepped.finish();
    }),
    { numRuns: 150 },
  );
});

Deno.test("chains that choose by client go behind what leads there, also where the Service's cluster IP is its load balancer's address", () => {
  const one = service("b/three 10.96.0.3 http:80/tcp");
  const three = appears({
    ...one,
    metadata: { ...one.metadata, annotations: { "ledgerproxy.io/choice": "client" } },
    status: { loadBalancer: { ingress: [{ ip: "10.96.0.3" }, { ip: "198.51.100.1" }] } },
  });
  for (let bound = 1; bound < 12; bound++) {
    for (let steps = 0; steps < 12; steps++) {
      const stepped = new Committed({ ...CONFIG, bounds: { most: 1000, large: 5, step: bound } });
      stepped.fold(three, appears(slice("b/three-x http:8080/tcp 10.244.0.1@node-a 10.244.0.7")));
      for (let i = 0; i < steps; i++) stepped.step();
      stepped.fold(vanishes(three.value!));
      stepped.finish();
      assert.deepEqual(lines(stepped.state.desired), []);
    }
  }
});

const PORTS = Array.from({ length: 8 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
const LARGE = [
  appears(service(`big/one 10.96.0.1 ${PORTS}`)),
  appears(slice(`big/one-x ${PORTS} 10.244.0.1 10.244.0.2 10.244.0.3`)),
];
const SMALL = [
  appears(service("shop/web 10.96.0.9 http:80/tcp")),
  appears(slice("shop/web-x http:8080/tcp 10.244.1.1")),
];
const BOUNDS: ConfigRecord = { ...CONFIG, bounds: { most: 100, large: 8, step: 8 } };
const frontends = ({ desired }: ClusterState, address: string) =>
  lines(desired).filter((line) =>
    line.startsWith(`ip service-ips ${address} `) || line.startsWith(`ip single-endpoints ${address} `)
  ).length;

Deno.test("a small Service is settled by its events, a large one by steps, some frontends at a time", () => {
  const stepped = new Stepped();
  stepped.fold(BOUNDS, ...LARGE, ...SMALL);
  assert.deepEqual([frontends(stepped.state, "10.96.0.9"), frontends(stepped.state, "10.96.0.1")], [1, 0]);
  const seen = new Set<number>();
  while (isUnfinished(stepped.state)) {
    stepped.step();
    seen.add(frontends(stepped.state, "10.96.0.1"));
  }
  assert.ok(seen.size > 3, `${[...seen]}`);
  assert.equal(frontends(stepped.state, "10.96.0.1"), 8);
});

Deno.test("many changes of a large Service are one change of its rules", () => {
  const stepped = new Stepped();
  stepped.fold(BOUNDS, ...LARGE);
  stepped.finish();
  const before = lines(stepped.state.desired);
  for (let i = 0; i < 50; i++) {
    const { touched } = stepped.fold(appears(slice(`big/one-x ${PORTS} 10.244.0.1 10.244.0.${i + 10}`)));
    assert.equal(touched.size, 0, "an event changes no element");
  }
  assert.deepEqual(lines(stepped.state.desired), before);
  stepped.finish();
  assert.ok(lines(stepped.state.desired).some((line) => line.endsWith("10.244.0.59 . 1")));
});

Deno.test("a Service above the bound is set aside by the event that makes it so, and served again once it is smaller", () => {
  const stepped = new Stepped();
  stepped.fold(BOUNDS, ...LARGE);
  stepped.finish();
  const hosts = Array.from({ length: 20 }, (_, i) => `10.244.0.${i + 1}`).join(" ");
  stepped.fold(appears(slice(`big/one-x ${PORTS} ${hosts}`)));
  stepped.finish();
  const reason =
    "too large: about 168 elements, at most 100 (8 ports, up to 1 frontend and 20 endpoints each)";
  assert.deepEqual([...stepped.state.aside], [["big/one", reason]]);
  assert.equal(frontends(stepped.state, "10.96.0.1"), 0);
  stepped.fold(LARGE[1]!);
  stepped.finish();
  assert.deepEqual([...stepped.state.aside], []);
  assert.equal(frontends(stepped.state, "10.96.0.1"), 8);
});

Deno.test("without bounds every Service is settled by its events, however large", () => {
  const hosts = Array.from({ length: 20 }, (_, i) => `10.244.0.${i + 1}`).join(" ");
  const state = folded(CONFIG, LARGE[0]!, appears(slice(`big/one-x ${PORTS} ${hosts}`)));
  assert.equal(frontends(state, "10.96.0.1"), 8);
});

Deno.test("a Service that took over an address keeps it, whichever steps are left of the one before", () => {
  const stepped = new Stepped();
  stepped.fold(BOUNDS, ...LARGE);
  stepped.step();
  stepped.fold(...LARGE.map(({ value }) => vanishes(value!)));
  stepped.fold(
    appears(service("shop/new 10.96.0.1 http:1/tcp")),
    appears(slice("shop/new-x http:9/tcp 10.244.2.2")),
  );
  stepped.finish();
  assert.equal(frontends(stepped.state, "10.96.0.1"), 1);
});

/** A load balancer that lets `range` through, at so many ports. */
function guarded(
  name: string,
  host: number,
  ports: number,
  range: string,
  ip = `198.51.100.${host}`,
): EventRecord {
  const spec = Array.from({ length: ports }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const one = service(`${name} 10.96.0.${host} ${spec}`, undefined, { loadBalancerSourceRanges: [range] });
  return appears({ ...one, status: { loadBalancer: { ingress: [{ ip }] } } });
}

function assertGuarded({ desired }: ClusterState): void {
  const chains = desired.get(OBJECT_PATHS.ip.chain)!;
  for (const { key, value } of desired.get(PATHS.ip["firewall-ips"])!.values()) {
    assert.ok(chains.has(elementKey([value!.replace("goto ", "")])), `${key} : ${value}`);
  }
}

Deno.test("the chain of a guard is there as long as a frontend leads to it, also where small Services share chain or address", () => {
  const [large, small] = [guarded("big/one", 1, 9, "10.0.0.0/8"), guarded("shop/web", 9, 1, "10.0.0.0/8")];
  const other = guarded("shop/web", 9, 1, "10.0.0.0/9");
  const moved = guarded("big/one", 1, 9, "10.0.0.0/16");
  const same = guarded("shop/same", 1, 1, "10.0.0.0/8");
  // Its frontends go to another Service once its cluster IP has gone.
  const atClusterIP = guarded("big/one", 1, 9, "10.0.0.0/8", "10.96.0.1");
  const nine = Array.from({ length: 9 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const rival = appears(service(`shop/rival 10.96.0.7 ${nine}`, undefined, { externalIPs: ["10.96.0.1"] }));
  const gone = ({ value }: EventRecord) => vanishes(value!);
  const histories = [
    [[small, large], [moved], [gone(small)]],
    [[large, small], [moved], [other]],
    [[large, small], [gone(large)], [gone(small)]],
    [[], [large], [same, gone(same)]],
    [[atClusterIP, rival], [gone(atClusterIP)], []],
    [[atClusterIP, rival], [gone(atClusterIP)], [gone(rival)]],
  ];
  for (const [first, then, last] of histories) {
    for (let steps = 0; steps < 12; steps++) {
      const stepped = new Stepped();
      stepped.fold(BOUNDS, ...first!);
      stepped.finish();
      stepped.fold(...then!);
      for (let i = 0; i < steps; i++) stepped.step();
      stepped.fold(...last!);
      for (; isUnfinished(stepped.state); stepped.step()) assertGuarded(stepped.state);
      assertGuarded(stepped.state);
      const led = new Set(
        [...stepped.state.desired.get(PATHS.ip["firewall-ips"])!.values()].map(({ value }) => value),
      );
      assert.equal(stepped.state.desired.get(OBJECT_PATHS.ip.chain)!.size, led.size, "no chain is left over");
    }
  }
});
