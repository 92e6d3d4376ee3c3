// A running proxy under the test's clock: the effects of its healer are executed, and their results come back to it.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { elementsInPlace, OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import type { OpenDrift } from "../../src/engine/healer.ts";
import { list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import {
  newRunningProxy,
  type RunningProxy,
  takeBatch,
  wake,
  wakeAt,
} from "../../src/engine/running_proxy.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import type { FlowsDeleted, UdpFlows } from "../../src/kernel/conntrack.ts";
import type { ForeignChange } from "../../src/kernel/ruleset_monitor.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import type { ServiceBounds } from "../../src/kube/bounds.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { elementKey } from "../../src/nft/ruleset.ts";
import { separated } from "../../src/nft/objects.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const WALL = Date.parse("2026-11-23T09:00:00.000Z");
const OBJECTS = [service("shop/web 10.96.0.1 http:80/tcp"), slice("shop/web-a http:8080/tcp 10.244.0.1")];

class ReluctantKernel extends FakeKernel {
  refusals = 0;
  /** An element that is never taken. */
  bad = "";
  /** Operations on elements of each commit, that of the position left out. */
  readonly operations: number[] = [];

  override commit(transaction: Transaction) {
    if (this.refusals-- > 0) throw new KernelRejection(null, 12, "for a test");
    const bad = transaction.find((one) =>
      one.verb === "add" && "element" in one && one.element.key === this.bad
    );
    if (bad !== undefined) throw new KernelRejection(bad, 22);
    const elements = transaction.filter((one) => one.noun === "element" && one.set !== POSITION_PATH);
    this.operations.push(elements.length);
    return super.commit(transaction);
  }
}

/** A proxy with one Service, and a thief beside it. */
class Node {
  now = 0;
  readonly kernel = new ReluctantKernel();
  readonly storage = memoryStorage();
  readonly drifts: (OpenDrift | undefined)[] = [];
  reports: Ports["report"] = () => {};
  readonly #received: ForeignChange[] = [];
  readonly running: RunningProxy;

  constructor(bounds?: ServiceBounds, conntrack?: Ports["conntrack"]) {
    const ports: Ports = {
      kernel: this.kernel,
      ...(conntrack && { conntrack }),
      ledger: new LedgerWriter(this.storage, { policy: "interval" }),
      now: () => new Date(WALL + this.now).toISOString(),
      monitor: {
        poll: () => ({ foreign: this.#received.splice(0), lost: false }),
        withoutNotifications: (_generation, commit) => commit(),
      },
      driftChanged: (drift) => this.drifts.push(drift),
      report: (report) => this.reports(report),
      warn: () => {},
    };
    const engine = newEngine();
    perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
    if (bounds !== undefined) {
      const config = { kind: "config", time: ports.now(), version: "0", nodeName: "node-a", bounds } as const;
      perform(engine, ports, { kind: "appended", first: ports.ledger.append([config]), records: [config] });
    }
    perform(engine, ports, list(this.kernel));
    this.running = newRunningProxy(engine, ports, this.now);
  }

  list(objects = OBJECTS, wait = 0): void {
    const time = this.running.ports.now();
    const batch = { kind: "list", objects, complete: true, time, problems: [] } as const;
    takeBatch(this.running, batch, this.now);
    this.pass(wait);
  }

  change(...records: readonly EventRecord[]): void {
    takeBatch(this.running, { kind: "events", events: records, problems: [] }, this.now);
  }

  /** Whether a frontend's first endpoint in the kernel is `endpoint`. */
  leadsTo(frontend: string, endpoint: string): boolean {
    const { elements } = this.kernel.list(OUR_TABLES);
    const key = elementKey(frontend.split(" "));
    return elements.get(PATHS.ip["single-endpoints"])?.get(key)?.value === endpoint;
  }

  /** Lets time pass, as the driver does. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (; wakeAt(this.running) <= end; wake(this.running, this.now)) this.now = wakeAt(this.running);
    this.now = end;
  }

  steal(): void {
    this.kernel.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
    this.#received.push({ process: "thief", pid: 7, changes: ["delete table ip ledgerproxy"] });
  }

  /** Whether the kernel holds what it should. */
  get whole(): boolean {
    const { tables, elements } = separated(this.kernel.list(OUR_TABLES));
    const { engine } = this.running;
    return tables.length === 2 && diff(elementsInPlace(engine.tables), elements).length === 0 &&
      engine.cluster.services.size === 1;
  }
}

Deno.test("a commit that the kernel rejects is retried without a batch of the source", () => {
  const node = new Node();
  node.kernel.refusals = 7;
  node.list();
  assert.equal(node.kernel.list(OUR_TABLES).tables.length, 0);
  node.pass(1000);
  assert.equal(node.kernel.list(OUR_TABLES).tables.length, 0, "three more were refused");
  node.pass(2000);
  assert.ok(node.whole);
  assert.equal(node.running.engine.rejections, 0);
});

Deno.test("a step of a large Service's rules that the kernel rejects is made once the kernel takes commits again", () => {
  const node = new Node({ most: 100, large: 6, step: 4 });
  const addresses = Array.from({ length: 8 }, (_, i) => `10.244.0.${i + 1}`).join(" ");
  node.list([OBJECTS[0]!, slice(`shop/web-a http:8080/tcp ${addresses}`)]);
  const { engine } = node.running;
  assert.ok(isUnfinished(engine.cluster));
  node.kernel.refusals = 7;
  node.pass(1000);
  assert.ok(engine.rejections > 0);
  node.pass(5000);
  assert.equal(engine.rejections, 0);
  assert.ok(!isUnfinished(engine.cluster));
  assert.ok(node.whole);
});

Deno.test("a large Service of which the kernel rejects a step is taken away, and another one is served", () => {
  const node = new Node({ most: 100, large: 6, step: 4 });
  const ports = Array.from({ length: 9 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  node.kernel.bad = "10.97.0.1 . tcp . 5";
  node.list([...OBJECTS, service(`evil/s 10.97.0.1 ${ports}`), slice(`evil/s-a ${ports} 10.245.0.1`)]);
  node.pass(60_000);
  assert.deepEqual([...node.running.engine.cluster.aside.keys()], ["evil/s"]);
  node.change(appears(slice("shop/web-a http:8080/tcp 10.244.0.2")));
  assert.ok(node.leadsTo("10.96.0.1 tcp 80", "10.244.0.2 . 8080"));
});

Deno.test("verify finds that the commits of steps, which list few of their changes, are those that the records lead to", () => {
  const node = new Node({ most: 1000, large: 6, step: 1000 });
  const ports = Array.from({ length: 4 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const hosts = (from: number) => Array.from({ length: 40 }, (_, i) => `10.245.${from}.${i + 1}`).join(" ");
  node.list([...OBJECTS, service(`big/one 10.97.0.1 ${ports}`), slice(`big/one-a ${ports} ${hosts(0)}`)]);
  node.pass(10_000);
  node.change(appears(slice(`big/one-a ${ports} ${hosts(1)}`)));
  node.pass(10_000);
  assert.equal(Math.max(...node.kernel.operations), 2 * 4 * 40, "a step changes all endpoints");
  assert.deepEqual(verified(node), []);
});

const BOUNDS: ServiceBounds = { most: 60_000, large: 1000, step: 250, burst: { small: 64, most: 500 } };
/** Ports and endpoints of each of 20 Services that a tenant changes at once. */
const CROWD = { ports: 10, endpoints: 50 };
const CROWD_ELEMENTS = CROWD.ports * (1 + CROWD.endpoints) + 1;

/** What verify finds wrong with the ledger. */
function verified({ storage }: Node) {
  return verifyPast(ledgerView<SnapshotLine>(storage, snapshotMisfit)).verdict.problems;
}

function crowd() {
  const ports = Array.from({ length: CROWD.ports }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const hosts = Array.from({ length: CROWD.endpoints }, (_, i) => `10.245.0.${i + 1}`).join(" ");
  return Array.from({ length: 20 }, (_, i) => [
    service(`evil/s${i} 10.97.0.${i + 1} ${ports}`),
    slice(`evil/s${i}-a ${ports} ${hosts}`),
  ]).flat();
}

Deno.test("of many Services that change at once one commit has a part; the change of a small one behind them is in it", () => {
  const node = new Node(BOUNDS);
  node.list();
  node.kernel.operations.length = 0;
  const last = appears(slice("shop/web-a http:8080/tcp 10.244.0.2"));
  node.change(...crowd().map(appears), last);
  const most = BOUNDS.burst!.most + 2 * CROWD_ELEMENTS;
  assert.ok(node.kernel.operations[0]! <= most, `${node.kernel.operations[0]} operations in one commit`);
  assert.ok(
    node.leadsTo("10.96.0.1 tcp 80", "10.244.0.2 . 8080"),
    "the small Service's change is in the kernel",
  );
  node.pass(60_000);
  assert.ok(!isUnfinished(node.running.engine.cluster));
  assert.ok(Math.max(...node.kernel.operations) <= most, `${node.kernel.operations}`);
  const served = node.kernel.list(OUR_TABLES).elements.get(PATHS.ip["service-ips"])!.size;
  assert.equal(served, 20 * CROWD.ports, "all of them are served in the end");
  assert.deepEqual(verified(node), []);
});

Deno.test("Services that are made and removed again and again are not made each time", () => {
  const node = new Node(BOUNDS);
  node.list();
  node.kernel.operations.length = 0;
  const objects = crowd();
  for (let round = 0; round < 10; round++) {
    node.change(...objects.map(appears));
    node.change(...objects.map(vanishes));
  }
  node.pass(60_000);
  assert.ok(!isUnfinished(node.running.engine.cluster));
  const operations = node.kernel.operations.reduce((sum, one) => sum + one, 0);
  const each = 2 * 10 * 20 * CROWD_ELEMENTS;
  assert.ok(operations < each / 5, `${operations} operations; to make each would take ${each}`);
  assert.ok(node.whole);
  assert.deepEqual(verified(node), []);
});

Deno.test("the change of another Service does not carry what a step has changed", () => {
  const node = new Node({ most: 1000, large: 6, step: 4 });
  const ports = Array.from({ length: 9 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const hosts = Array.from({ length: 8 }, (_, i) => `10.245.0.${i + 1}`).join(" ");
  node.list([...OBJECTS, service(`big/one 10.97.0.1 ${ports}`), slice(`big/one-a ${ports} ${hosts}`)]);
  let changes = 0;
  for (; isUnfinished(node.running.engine.cluster); changes++) {
    node.now = wakeAt(node.running);
    wake(node.running, node.now);
    node.kernel.operations.length = 0;
    node.change(appears(slice(`shop/web-a http:8080/tcp 10.244.1.${changes}`)));
    assert.deepEqual(node.kernel.operations, [2], "the endpoint before and the endpoint now");
  }
  assert.ok(changes > 5, `${changes}`);
});

Deno.test("deleted tables are put back at once five times; then the drift is reported as waiting, and when that ends", () => {
  const node = new Node();
  node.list();
  for (let i = 0; i < 6; i++) {
    assert.ok(node.whole);
    node.steal();
    node.pass(1000);
  }
  assert.ok(!node.whole);
  const { since, putBackAt, process, pid, changes } = node.drifts.at(-1)!;
  assert.deepEqual([process, pid, changes], ["thief", 7, ["delete table ip ledgerproxy"]]);
  assert.equal(since, WALL + 5100);
  assert.equal(putBackAt, WALL + 60_100);
  node.pass(55_000);
  assert.ok(node.whole, "put back");
  assert.equal(node.drifts.at(-1)!.putBackAt, undefined);
  node.pass(1000);
  assert.equal(node.drifts.at(-1), undefined, "settled");
  assert.equal(node.drifts.length, 3);
  const responses = [...readLedger(node.storage)].flatMap(({ record }) =>
    record.kind === "drift" ? [record.response] : []
  );
  assert.deepEqual(responses.slice(-2), [
    "rules are put back",
    "that was too often: rules are put back in 55 s",
  ]);
});

const DNS = service("shop/dns 10.96.0.10 dns:53/udp");
const dnsAt = (...hosts: readonly number[]) =>
  appears(slice(`shop/dns-a dns:5353/udp ${hosts.map((host) => `10.244.0.${host}`).join(" ")}`));

/** Connection tracking whose every run lists flows in `pieces` of `milliseconds`. `piece` is called before each. */
function tracking(
  pieces: number,
  milliseconds: number,
  piece: (flows: readonly UdpFlows[]) => void = () => {},
) {
  const runs: (readonly UdpFlows[])[] = [];
  function* deleteStale(flows: readonly UdpFlows[]): Generator<FlowsDeleted, void, void> {
    for (let i = 0; i < pieces; i++) {
      piece(flows);
      yield { family: "ip", listed: 512, deleted: 1, microseconds: milliseconds * 1000 };
    }
  }
  const conntrack: Ports["conntrack"] = {
    deleteStale(flows) {
      runs.push(flows);
      return deleteStale(flows);
    },
    deleteUnanswered: () => [],
  };
  return { runs, conntrack };
}

Deno.test("flows are forgotten at once on a quiet node, and in a tenth of the time where an endpoint is toggled all the time", () => {
  const { runs, conntrack } = tracking(1, 500);
  const node = new Node(undefined, conntrack);
  node.list([DNS], 60_000);
  assert.equal(runs.splice(0).length, 1, "what began before the first rules");
  node.change(dnsAt(1, 2));
  assert.equal(runs.length, 1, "at once");
  node.pass(60_000);
  node.change(dnsAt(1));
  assert.equal(runs.length, 2, "at once again");
  for (let i = 0; i < 100; i++) {
    node.change(dnsAt(1, 2));
    node.pass(100);
    node.change(dnsAt(1));
    node.pass(100);
  }
  assert.ok(runs.length >= 5 && runs.length <= 6, `${runs.length} runs of half a second in 20 s`);
  const before = runs.length;
  node.pass(60_000);
  assert.equal(runs.length, before + 1, "what was gathered, and no more");
});

Deno.test("flows of all Services that changed meanwhile are forgotten in one run", () => {
  const { runs, conntrack } = tracking(1, 500);
  const node = new Node(undefined, conntrack);
  const others = [1, 2, 3].map((i) => service(`shop/other${i} 10.96.1.${i} dns:53/udp`));
  node.list([DNS, ...others], 60_000);
  runs.splice(0);
  node.change(dnsAt(1));
  for (const i of [1, 2, 3]) node.change(appears(slice(`shop/other${i}-a dns:5353/udp 10.244.1.${i}`)));
  node.pass(60_000);
  assert.deepEqual(runs.map((flows) => flows.map(({ address }) => address)), [
    ["10.96.0.10"],
    ["10.96.1.1", "10.96.1.2", "10.96.1.3"],
  ]);
});

Deno.test("while the flows of one frontend are forgotten changes are committed; flows to an endpoint that serves now stay", () => {
  const seen: boolean[] = [];
  const { conntrack } = tracking(20, 10, ([flow]) => seen.push(flow!.serves("10.244.0.3 . 5353", "")));
  const node = new Node(undefined, conntrack);
  node.list([DNS, ...OBJECTS], 60_000);
  seen.splice(0);
  node.change(dnsAt(1));
  assert.ok(seen.length > 0 && seen.length < 20, `a part at once: ${seen.length}`);
  node.change(dnsAt(1, 3));
  const at = seen.length;
  node.pass(10_000);
  assert.ok(seen.slice(0, at).every((serves) => !serves));
  assert.ok(seen.length === 20 && seen.slice(at).every((serves) => serves), `${seen}`);
});

Deno.test("a source that ends leaves no flows that were to be forgotten", async () => {
  const { runs, conntrack } = tracking(100, 500);
  const { engine, ports } = new Node(undefined, conntrack).running;
  const time = ports.now();
  const source = {
    description: "a source that ends",
    async *batches(): AsyncGenerator<SourceBatch> {
      yield { kind: "list", objects: [DNS], complete: true, time, problems: [] };
      for (const hosts of [[1, 2], [1], [1, 2], [2]]) {
        yield { kind: "events", events: [dnsAt(...hosts)], problems: [] };
      }
    },
  };
  await runLoop(engine, { ...ports, conntrack: conntrack! }, source, new AbortController().signal);
  assert.equal(runs.length, 2);
  assert.ok(runs[1]![0]!.serves("10.244.0.2 . 5353", "") && !runs[1]![0]!.serves("10.244.0.1 . 5353", ""));
});

/** Some hundred steps are due in the time of so many batches. */
const BATCHES_MAX = 500;

Deno.test("steps are made while batches follow each other without a pause", async () => {
  const node = new Node(BOUNDS);
  node.list();
  const { engine, ports } = node.running;
  const small = (i: number) => appears(slice(`shop/web-a http:8080/tcp 10.244.0.${1 + i % 200}`));
  let batches = 0;
  const source = {
    description: "a source without pauses",
    async *batches() {
      yield { kind: "events", events: crowd().map(appears), problems: [] } as const;
      for (; batches < BATCHES_MAX && isUnfinished(engine.cluster); batches++) {
        yield { kind: "events", events: [small(batches)], problems: [] } as const;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
  };
  // Each commit takes a while: the pause until the next step is as long.
  const report = () => {
    for (const end = performance.now() + 10; performance.now() < end;);
  };
  await runLoop(engine, { ...ports, report }, source, new AbortController().signal);
  assert.ok(batches > 0 && batches < BATCHES_MAX, `${batches} batches`);
});

Deno.test("a step that sets a Service aside and changes no rule is reported", () => {
  const node = new Node({ most: 1000, large: 6, step: 4, namespace: { large: 6, most: 25 } });
  const unfinished: number[] = [];
  node.reports = ({ unfinished: left }) => unfinished.push(left);
  const ports = Array.from({ length: 9 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  node.list([1, 2].flatMap((i) => [
    service(`evil/s${i} 10.97.0.${i} ${ports}`),
    slice(`evil/s${i}-a ${ports} 10.245.0.${i}`),
  ]));
  node.pass(60_000);
  const { cluster } = node.running.engine;
  assert.deepEqual([cluster.aside.size, isUnfinished(cluster)], [1, false]);
  assert.equal(unfinished.at(-1), 0, `${unfinished}`);
});
