// When connections are looked through, and for which Services. Real connections are cut in tests/kernel/terminated_connections_test.ts.

import assert from "node:assert/strict";
import type { ClusterState } from "../../src/fold/cluster_state.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { CutCandidate } from "../../src/fold/terminated_endpoints.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import type { FlowsDeleted } from "../../src/kernel/conntrack.ts";
import { SystemError } from "../../src/kernel/system_error.ts";
import type { EventRecord, Offset } from "../../src/ledger/record.ts";
import { TerminatedConnections } from "../../src/node/terminated_connections.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { until } from "../support/until.ts";

const CONNECTION: CutCandidate = {
  family: "ip",
  protocol: "tcp",
  target: "10.96.0.1 . 80",
  answerer: "10.244.0.1 . 8080",
};
const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const SLICE = slice("shop/web-a http:8080/tcp 10.244.0.1");
const OTHER = slice("shop/web-b http:8080/tcp 10.244.0.2");

/** A loop that folds batches, with one connection in the kernel. */
class Loop implements Disposable {
  readonly cluster: ClusterState = emptyState();
  readonly cut: number[] = [];
  readonly failures: string[] = [];
  readonly terminated: TerminatedConnections;

  constructor(
    seconds: number | undefined,
    delete_: (cut: (one: CutCandidate) => boolean) => Iterable<FlowsDeleted>,
  ) {
    this.terminated = new TerminatedConnections({
      cluster: () => this.cluster,
      deleteConnections: delete_,
      cut: (count) => void this.cut.push(count),
      failed: (reason) => void this.failures.push(reason),
    }, seconds);
  }

  take(...events: readonly EventRecord[]): void {
    const batch: SourceBatch = { kind: "events", events, problems: [] };
    this.terminated.before(batch);
    for (const event of events) foldRecord(this.cluster, this.cluster.folded + 1 as Offset, event);
    this.terminated.after();
  }

  [Symbol.dispose](): void {
    this.terminated[Symbol.dispose]();
  }
}

const one = (cut: (one: CutCandidate) => boolean): FlowsDeleted[] => [
  { family: "ip", listed: 1, deleted: cut(CONNECTION) ? 1 : 0, microseconds: 1 },
];

Deno.test("a deleted slice, which names no Service, takes its endpoints along", async () => {
  using loop = new Loop(0, one);
  loop.take(appears(WEB), appears(SLICE), appears(OTHER));
  assert.deepEqual(loop.cut, []);
  loop.take(vanishes(SLICE));
  await until("it is cut", () => loop.cut.length > 0);
  assert.deepEqual(loop.cut, [1]);
});

Deno.test("of a Service with the annotation a slice alone is enough, deleted or changed", async () => {
  using loop = new Loop(undefined, one);
  const annotations = { "ledgerproxy.io/cut-terminated-seconds": "0" };
  loop.take(appears({ ...WEB, metadata: { ...WEB.metadata, annotations } }));
  loop.take(appears(SLICE), appears(OTHER));
  loop.take(appears(slice("shop/web-a http:8080/tcp 10.244.0.9")));
  await until("it is cut", () => loop.cut.length > 0);
  assert.deepEqual(loop.cut, [1]);
});

Deno.test("without the flag and the annotation nothing is looked through", async () => {
  let looked = 0;
  using loop = new Loop(undefined, (cut) => {
    looked++;
    return one(cut);
  });
  loop.take(appears(WEB), appears(SLICE), appears(OTHER));
  loop.take(vanishes(SLICE));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(looked, 0);
});

Deno.test("a failure is reported, and the next endpoint that goes is another chance", async () => {
  let calls = 0;
  using loop = new Loop(0, (cut) => {
    if (++calls === 1) throw new SystemError("netlink dump", 1);
    return one(cut);
  });
  loop.take(appears(WEB), appears(SLICE), appears(OTHER));
  await until("it failed", () => loop.failures.length === 1);
  assert.match(loop.failures[0]!, /netlink dump/);
  loop.take(vanishes(SLICE));
  await until("it is cut", () => loop.cut.length === 1);
});

Deno.test("between two pieces of many connections batches are taken, and an endpoint that came back keeps its own", async () => {
  const piece: FlowsDeleted = { family: "ip", listed: 1000, deleted: 0, microseconds: 1 };
  let begun = 0;
  let kept = false;
  using loop = new Loop(0, function* (cut) {
    begun++;
    yield piece;
    // The loop has taken a batch meanwhile.
    loop.take(appears(SLICE));
    yield piece;
    kept = !cut(CONNECTION);
    yield* one(cut);
  });
  loop.take(appears(WEB), appears(SLICE), appears(OTHER));
  loop.take(vanishes(SLICE));
  await until("the connections were looked at", () => kept || loop.cut.length > 0);
  assert.deepEqual([begun > 0, loop.cut], [true, []]);
});
