// The API source with a real kube-apiserver: lists, watches and selectors; the server killed and started again under
// churn; afterwards source, ledger and server agree, and nothing was said that was not a change.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { type ApiSource, apiSource } from "../../src/ingest/api_source.ts";
import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform, type Ports, runLoop } from "../../src/engine/run_loop.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { describeKey, objectKey } from "../../src/kube/objects.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { ControlPlane, missingAssets } from "../support/cluster/control_plane.ts";
import { ApiCluster } from "../support/cluster/oracle.ts";
import { shell } from "../support/lab/lab.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ADDRESS = "198.18.0.1";
const TIMES = { idleMilliseconds: 150_000, backoffMilliseconds: 20, backoffMaxMilliseconds: 200 };
const missing = missingAssets();
if (missing !== undefined) console.log(`skipped: ${missing}`);
else {shell(`ip link add api type veth peer name api-peer
ip address add ${ADDRESS}/24 dev api
ip link set api up
ip link set api-peer up`);}
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

/** A proxy without a real kernel that follows a source. */
class Proxy implements AsyncDisposable {
  readonly engine = newEngine();
  readonly kernel = new FakeKernel();
  readonly storage = memoryStorage();
  readonly warnings: string[] = [];
  operations = 0;
  readonly #ports: Ports;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(readonly source: ApiSource) {
    const ledger = new LedgerWriter(this.storage, { policy: "never" });
    this.#ports = {
      kernel: this.kernel,
      ledger,
      now: () => new Date().toISOString(),
      report: ({ operations }) => this.operations += operations,
      warn: (text) => this.warnings.push(text),
    };
    const config = [{ kind: "config", time: this.#ports.now(), version: "0", nodeName: "node-a" }] as const;
    perform(this.engine, this.#ports, { kind: "opened", ledger: ledger.ledger });
    perform(this.engine, this.#ports, { kind: "appended", first: ledger.append(config), records: config });
    perform(this.engine, this.#ports, list(this.kernel));
    commitBatch(this.engine, this.#ports);
    this.#done = runLoop(this.engine, this.#ports, source, this.#stop.signal);
  }

  /** Events in the ledger, as `+Service shop/web`. */
  events(): string[] {
    return [...readLedger(this.storage)].flatMap(({ record }) =>
      record.kind === "event" ? [`${record.value === null ? "-" : "+"}${describeKey(record.key)}`] : []
    );
  }

  get known(): string[] {
    return [...this.engine.cluster.objects.keys()].sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.#ports.ledger[Symbol.dispose]();
  }
}

async function newCluster(plane: ControlPlane): Promise<ApiCluster> {
  await plane.call("POST", "/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop" },
  });
  await plane.call("POST", "/api/v1/nodes", nodeManifest());
  return new ApiCluster(plane);
}

const follow = (plane: ControlPlane) =>
  new Proxy(apiSource(new ApiClient(plane.kubeconfig()), "node-a", false, TIMES));

const scenario = (text: string) => parseScenario(text).objects.map(manifestOf);

test("what a proxy must see is listed and followed, what it must not see is not", async () => {
  await using plane = await ControlPlane.start(ADDRESS);
  const cluster = await newCluster(plane);
  await cluster.replace(scenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp 10.244.2.5@node-b
service shop/headless ips=None ports=:80/tcp
service shop/foreign ips=10.96.0.21 ports=:80/tcp proxy-name=other`));
  await using proxy = follow(plane);
  await until("the first list is in", () => proxy.known.includes("Service shop/web"));
  const seen = [
    "EndpointSlice default/kubernetes",
    "EndpointSlice shop/web-a",
    "Node node-a",
    "Service default/kubernetes",
  ];
  for (const name of seen) assert.ok(proxy.known.includes(name), name);
  assert.ok(proxy.known.includes("ServiceCIDR kubernetes"));
  assert.ok(!proxy.known.some((name) => /headless|foreign/.test(name)));
  const patch = { metadata: { labels: { "service.kubernetes.io/service-proxy-name": "other" } } };
  await plane.call("PATCH", "/api/v1/namespaces/shop/services/web", patch);
  await until("the Service is another proxy's now", () => !proxy.known.includes("Service shop/web"));
  assert.equal(proxy.events().at(-1), "-Service shop/web");
  assert.ok(
    proxy.source.status().every(({ listed, problem, lists }) => listed && problem === "" && lists === 1),
  );
  assert.deepEqual(proxy.warnings, []);
});

test("an API server killed and started again under churn: afterwards all agree, and only changes were told", async () => {
  await using plane = await ControlPlane.start(ADDRESS);
  const cluster = await newCluster(plane);
  const endpoints = (round: number) =>
    scenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp 10.244.2.5@node-b 10.244.2.${10 + round}@node-b
service shop/still ips=10.96.0.22 ports=:80/tcp
slice shop/still-a ports=:8080/tcp 10.244.2.6@node-b`);
  await cluster.replace(endpoints(0));
  await using proxy = follow(plane);
  await until("the first list is in", () => proxy.known.includes("Service shop/still"));
  const held = (round: number) =>
    [...proxy.engine.cluster.desired.get("ip ledgerproxy endpoints" as never)!.values()].some(({ value }) =>
      value === `10.244.2.${10 + round} . 8080`
    );
  for (let round = 1; round <= 20; round++) {
    await plane.killApiServer();
    await plane.startApiServer();
    await cluster.replace(endpoints(round));
    await until(`round ${round} is in force`, () => held(round));
  }
  const truth = decodeAll(await cluster.read()).map((object) => describeKey(objectKey(object)));
  await until("nothing is left over", () => proxy.known.join() === truth.sort().join());
  const told = proxy.events();
  assert.equal(
    told.filter((event) => event === "+EndpointSlice shop/web-a").length,
    21,
    "once at first, once a round",
  );
  assert.equal(told.filter((event) => event.includes("still")).length, 2, "what stayed was told once");
  assert.equal(proxy.engine.rejections, 0);
});
