// The API source with a real kube-apiserver: lists, watches and selectors; partitions and compaction; many Services.
// Only changes become events.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { type ApiSource, apiSource } from "../../src/ingest/api_source.ts";
import { type EngineState, newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { describeKey } from "../../src/kube/objects.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { ConnectProxy } from "../support/cluster/connect_proxy.ts";
import { ControlPlane } from "../support/cluster/control_plane.ts";
import { SOURCE_TIMES } from "../support/cluster/near_plane.ts";
import { ApiCluster } from "../support/cluster/oracle.ts";
import { planeTest as test } from "../support/cluster/scene.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const TIMES = { ...SOURCE_TIMES, catchUpMilliseconds: 5000 };

/** A proxy without a real kernel that follows a source. */
class Proxy implements AsyncDisposable {
  readonly engine: EngineState;
  readonly kernel = new FakeKernel();
  readonly storage: Storage;
  readonly warnings: string[] = [];
  operations = 0;
  readonly #ports: Ports & { readonly ledger: LedgerWriter };
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  /** Continues with a ledger and its state where they are given. */
  constructor(
    readonly source: ApiSource,
    { storage, engine } = { storage: memoryStorage() as Storage, engine: newEngine() },
  ) {
    this.storage = storage;
    this.engine = engine;
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
    await this.stop();
  }

  async stop(): Promise<void> {
    let ended = false;
    this.#stop.abort();
    this.#done.finally(() => ended = true);
    await until("the source ends when it is asked to", () => ended);
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

const follow = (plane: ControlPlane) => apiSource(new ApiClient(plane.kubeconfig()), "node-a", false, TIMES);

const scenario = (text: string) => parseScenario(text).objects.map(manifestOf);

test("objects that a proxy needs are listed and watched, others are not", async (plane) => {
  const cluster = await newCluster(plane);
  await cluster.replace(scenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp 10.244.2.5@node-b
service shop/headless ips=None ports=:80/tcp
service shop/foreign ips=10.96.0.21 ports=:80/tcp proxy-name=other`));
  await using proxy = new Proxy(follow(plane));
  const needed = [
    "EndpointSlice default/kubernetes",
    "EndpointSlice shop/web-a",
    "Node node-a",
    "Service default/kubernetes",
    "Service shop/web",
    "ServiceCIDR kubernetes",
  ];
  // The first list arrives in parts, and the API server writes its own objects while it starts.
  for (const name of needed) await until(`${name} is known`, () => proxy.known.includes(name));
  await until("all is listed", () => proxy.engine.synced);
  assert.ok(!proxy.known.some((name) => /headless|foreign/.test(name)));
  const patch = { metadata: { labels: { "service.kubernetes.io/service-proxy-name": "other" } } };
  await plane.call("PATCH", "/api/v1/namespaces/shop/services/web", patch);
  await until("the Service is another proxy's now", () => !proxy.known.includes("Service shop/web"));
  const ofWeb = proxy.events().filter((event) => event.endsWith("Service shop/web"));
  assert.deepEqual(ofWeb, ["+Service shop/web", "-Service shop/web"]);
  const status = () => proxy.source.status();
  await until("all is watched", () => status().every(({ listed, problem }) => listed && problem === ""));
  assert.ok(status().every(({ lists }) => lists === 1), JSON.stringify(status()));
  assert.deepEqual(proxy.warnings, []);
});

test("after a partition in which etcd compacts, a new list gives only the changes", async (plane) => {
  const cluster = await newCluster(plane);
  const endpoints = (address: string) =>
    scenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp ${address}@node-b
service shop/still ips=10.96.0.22 ports=:80/tcp
slice shop/still-a ports=:8080/tcp 10.244.2.6@node-b`);
  await cluster.replace(endpoints("10.244.2.5"));
  await using between = new ConnectProxy();
  const client = new ApiClient(plane.kubeconfig(undefined, { "proxy-url": between.url }));
  await using proxy = new Proxy(apiSource(client, "node-a", false, TIMES));
  const areListed = () => proxy.source.status().every(({ listed }) => listed);
  await until("the first lists are in", () => areListed() && proxy.known.includes("Service shop/still"));
  between.refuses = true;
  between.cut();
  await cluster.replace(endpoints("10.244.2.7"));
  await plane.call("DELETE", "/api/v1/namespaces/shop/services/still");
  await plane.compact();
  await plane.killApiServer();
  await plane.startApiServer();
  assert.ok(proxy.known.includes("Service shop/still"), "an object whose deletion is not known stays");
  const before = proxy.events().length;
  between.refuses = false;
  await until("the deletion is known", () => !proxy.known.includes("Service shop/still"));
  await until(
    "so is the change",
    () => proxy.events().filter((event) => event === "+EndpointSlice shop/web-a").length === 2,
  );
  assert.ok(
    proxy.source.status().some(({ kind, lists }) => kind === "Service" && lists === 2),
    "listed again",
  );
  const events = proxy.events().slice(before).filter((event) => !event.includes("marker")).sort();
  assert.deepEqual(events, ["+EndpointSlice shop/web-a", "-Service shop/still"]);
});

test("a proxy that was stopped first receives the changes since then, and the list changes nothing", async (plane) => {
  const cluster = await newCluster(plane);
  await cluster.replace(scenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp 10.244.2.5@node-b
service shop/gone ips=10.96.0.21 ports=:80/tcp`));
  const storage = memoryStorage();
  const engine = newEngine();
  await using before = new Proxy(follow(plane), { storage, engine });
  await until("the first list is in", () => engine.synced);
  await before.stop();
  await plane.call("PATCH", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/web-a", {
    endpoints: [{ addresses: ["10.244.2.7"] }],
  });
  await plane.call("DELETE", "/api/v1/namespaces/shop/services/gone");
  const seen = before.events().length;
  const client = new HeldLists(plane.kubeconfig());
  await using after = new Proxy(apiSource(client, "node-a", false, TIMES), { storage, engine });
  const missed = () => after.events().slice(seen).sort();
  await until("what was missed is known, before anything is listed", () => missed().length >= 2);
  client.release();
  const status = () => after.source.status().filter(({ kind }) => kind !== "Node" && kind !== "ServiceCIDR");
  await until("all is listed", () => status().every(({ lists }) => lists === 1));
  assert.deepEqual(missed(), ["+EndpointSlice shop/web-a", "-Service shop/gone"]);
  assert.deepEqual(after.warnings, []);
});

/** A client whose lists wait until they are released. */
class HeldLists extends ApiClient {
  readonly #released = Promise.withResolvers<void>();

  release(): void {
    this.#released.resolve();
  }

  override async get(...[path, query, signal, encoding]: Parameters<ApiClient["get"]>): Promise<Response> {
    if (howListed(query) !== undefined) await this.#released.promise;
    return await super.get(path, query, signal, encoding);
  }
}

function howListed(query: Parameters<ApiClient["get"]>[1]): "one page" | "streamed" | "pages" | undefined {
  if (query["sendInitialEvents"] === "true") return "streamed";
  if (query["limit"] !== undefined) return "pages";
  return query["watch"] === undefined ? "one page" : undefined;
}

/** A client that records how lists were requested. With `refuses` the first one, in one page, is refused. */
class Witness extends ApiClient {
  readonly lists = new Set<string>();

  constructor(kubeconfig: string, readonly refuses: boolean) {
    super(kubeconfig);
  }

  override get(...[path, query, signal, encoding]: Parameters<ApiClient["get"]>): Promise<Response> {
    const how = howListed(query);
    if (how !== undefined) this.lists.add(how);
    if (how === "one page" && this.refuses) {
      return Promise.resolve(new Response(null, { status: 422 }));
    }
    return super.get(path, query, signal, encoding);
  }
}

test("5,000 Services are listed while they change, in one page, streamed or in pages, and each is known", async (plane) => {
  await newCluster(plane);
  const create = (name: string) =>
    plane.call("POST", "/api/v1/namespaces/shop/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ port: 80 }] },
    });
  for (let at = 0; at < 5000; at += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => create(`s${at + i}`)));
  }
  const followed = async (round: string, refuses = true) => {
    const client = new Witness(plane.kubeconfig(), refuses);
    const old = (i: number) => round === "a" ? `s${i * 250}` : `${round === "b" ? "a" : "b"}${i}`;
    await using proxy = new Proxy(apiSource(client, "node-a", false, TIMES));
    const late = (i: number) => `${round}${i}`;
    for (let i = 0; i < 20; i++) {
      await create(late(i));
      await plane.call("DELETE", `/api/v1/namespaces/shop/services/${old(i)}`);
    }
    const services = () => proxy.known.filter((name) => name.startsWith("Service shop/")).length;
    await until(
      "all Services are known, and the deleted ones are not",
      () => services() === 5000 && !proxy.known.includes(`Service shop/${old(19)}`),
    );
    assert.ok(
      Array.from({ length: 20 }, (_, i) => `Service shop/${late(i)}`).every((name) =>
        proxy.known.includes(name)
      ),
    );
    const appeared = proxy.events().filter((event) => event.startsWith("+Service shop/"));
    assert.equal(new Set(appeared).size, appeared.length, "each Service was recorded once");
    assert.deepEqual(proxy.warnings, []);
    return [...client.lists];
  };
  assert.deepEqual(await followed("a"), ["one page", "streamed"]);
  await plane.killApiServer();
  await plane.startApiServer("--feature-gates=WatchList=false");
  assert.deepEqual(
    await followed("b"),
    ["one page", "streamed", "pages"],
    "asked for a stream, answered with pages",
  );
  assert.deepEqual(await followed("c", false), ["one page"]);
});
