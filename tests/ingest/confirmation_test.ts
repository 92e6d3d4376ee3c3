// Lists that would remove much. A wrong one deletes no Service, and a cluster that is really empty has no rules in the end.

import assert from "node:assert/strict";
import { apiSource } from "../../src/ingest/api_source.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { type Answer, BOOKMARK, line, page, Server, status, stream, whole } from "../support/api_server.ts";
import { FollowedCluster } from "../support/followed_cluster.ts";
import type { MemoryStorage } from "../support/memory_storage.ts";
import { until } from "../support/until.ts";

const TIMES = {
  idleMilliseconds: 60_000,
  catchUpMilliseconds: 20,
  backoffMilliseconds: 10,
  backoffMaxMilliseconds: 50,
  reminderMilliseconds: 100,
};
const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);
/** A streamed list without objects, or a silent watch. */
const empty = (query: URLSearchParams) => stream(query.has("sendInitialEvents") ? [BOOKMARK] : [], true);

/** Answers without streams: the `lists` in order, then the last one again and again; each watch ends with 410. */
function listing(
  lists: readonly (() => Response)[],
  watch?: Answer,
): { answer: Answer; asked: URLSearchParams[] } {
  const asked: URLSearchParams[] = [];
  const answer: Answer = (query, call) => {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return asked.length >= 2 ? watch?.(query, call) : status(410, "Expired");
    return lists[Math.min(asked.push(query), lists.length) - 1]!();
  };
  return { answer, asked };
}

const follow = (server: Server, storage?: MemoryStorage, kernel?: FakeKernel) =>
  new FollowedCluster(apiSource(server.client(), "node-a", false, TIMES), storage, kernel);

Deno.test("a list without most of the Services deletes none, when a second list has them", async () => {
  const { answer, asked } = listing([() => page(names(20)), () => page(names(9)), () => page(names(20))]);
  await using server = new Server(answer);
  await using cluster = follow(server);
  await until("it was asked twice", () => asked.length >= 3 && cluster.held().length >= 2);
  assert.equal(cluster.services().length, 20);
  assert.equal(
    cluster.records().filter((record) => record.kind === "event" && record.value === null).length,
    0,
  );
  assert.deepEqual([asked[1]!.get("limit"), asked[2]!.get("limit")], ["500", null], "in another way");
  assert.equal(asked[2]!.has("resourceVersion"), false, "the newest state");
  assert.deepEqual(cluster.held(), [
    "API server: Service: a list without 11 of 20 known Services: not taken; another list is asked for",
    "API server: Service: a list without 11 of 20 known Services: another list has them; nothing was deleted",
  ]);
  assert.ok(cluster.warnings.some((text) => /without 11 of 20 known Services: not taken/.test(text)));
});

Deno.test("two lists that contradict each other confirm nothing", async () => {
  const lists = [names(40), names(15), names(40).slice(38), names(40)];
  const { answer, asked } = listing(lists.map((listed) => () => page(listed)));
  await using server = new Server(answer);
  await using cluster = follow(server);
  await until("it was asked four times", () => asked.length >= 4 && cluster.held().length >= 3);
  assert.equal(cluster.services().length, 40);
  assert.equal(
    cluster.records().filter((record) => record.kind === "event" && record.value === null).length,
    0,
  );
});

Deno.test("an empty cluster becomes empty rules once a second list confirms it", async () => {
  const { answer, asked } = listing([() => page(names(20)), () => page([])]);
  await using server = new Server(answer);
  await using cluster = follow(server);
  await until("it is empty", () => asked.length >= 3 && cluster.services().length === 0);
  assert.match(cluster.held()[1]!, /without 20 of 20 known Services: confirmed by another list; deleted$/);
  await until(
    "there is no problem any more",
    () => cluster.source.status().every(({ problem, reason }) => problem === "" && reason === ""),
  );
});

Deno.test("nine Services are deleted at once: so few need no second list", async () => {
  const { answer, asked } = listing([() => page(names(9)), () => page([])]);
  await using server = new Server(answer);
  await using cluster = follow(server);
  await until("they are gone", () => asked.length >= 2 && cluster.services().length === 0);
  assert.deepEqual(cluster.held(), []);
});

Deno.test("half of the Services are deleted at once", async () => {
  const { answer } = listing([() => page(names(20)), () => page(names(10))]);
  await using server = new Server(answer);
  await using cluster = follow(server);
  await until("they are gone", () => cluster.services().length === 10);
  assert.deepEqual(cluster.held(), []);
});

Deno.test("while there is no second list nothing is deleted, changes are applied, and the report is repeated", async () => {
  const { answer } = listing(
    [() => page(names(20)), () => page([]), () => status(500, "InternalError")],
    () => stream([line("ADDED", whole("late", "11"))], true),
  );
  await using server = new Server(answer);
  await using cluster = follow(server);
  const reminders = () =>
    cluster.warnings.filter((text) => /the second list failed, nothing is deleted/.test(text));
  await until("it was said a few times", () => reminders().length >= 3);
  await until("a change came", () => cluster.services().length === 21);
  const [service] = cluster.source.status().filter(({ kind }) => kind === "Service");
  assert.deepEqual([service!.reason, service!.problem], [
    "unconfirmed",
    "Service: a list without 20 of 20 known Services",
  ]);
});

Deno.test("after a restart a wrong first list deletes nothing that the ledger has", async () => {
  const kernel = new FakeKernel();
  const healthy = listing([() => page(names(20))], () => undefined);
  await using first = new Server((query, call) =>
    query.has("watch") && !query.has("sendInitialEvents") ? undefined : healthy.answer(query, call)
  );
  const before = follow(first, undefined, kernel);
  await until("all is known", () => before.services().length === 20 && before.engine.committedOffset >= 0);
  await before[Symbol.asyncDispose]();
  await using second = new Server(
    (query) =>
      query.has("sendInitialEvents") ? empty(query) : query.has("watch") ? stream([], true) : page(names(20)),
  );
  await using after = follow(second, before.storage, kernel);
  await until("a second list was taken", () => after.held().length === 2);
  assert.equal(after.services().length, 20);
});

Deno.test("a list whose slices lose most of their endpoints must be confirmed too", async () => {
  const slices = (full: number) => {
    const items = Array.from({ length: 10 }, (_, i) => ({
      metadata: { name: `s${i}-a`, namespace: "shop", labels: { "kubernetes.io/service-name": `s${i}` } },
      addressType: "IPv4",
      ports: [],
      endpoints: i < full ? [1, 2, 3].map((n) => ({ addresses: [`10.244.${i}.${n}`] })) : [],
    }));
    const metadata = { resourceVersion: "5" };
    return Response.json({ kind: "EndpointSliceList", apiVersion: "discovery.k8s.io/v1", metadata, items });
  };
  let lists = 0;
  await using server = new Server(empty, (path, query) => {
    if (!path.endsWith("endpointslices")) return empty(query);
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return lists < 2 ? status(410, "Expired") : stream([], true);
    return slices(lists++ === 1 ? 4 : 10);
  });
  await using cluster = follow(server);
  await until("a second list was taken", () => cluster.held().length === 2);
  assert.equal(cluster.endpoints(), 30);
  assert.match(cluster.held()[0]!, /without 18 of 30 known endpoints: not taken/);
});

Deno.test("what a list adds is served while its removals wait for another list", async () => {
  const { answer } = listing(
    [() => page(names(20)), () => page(["new", "s0"]), () => status(500, "InternalError")],
    () => stream([], true),
  );
  await using server = new Server(answer);
  await using cluster = follow(server);
  await until("the list is held", () => cluster.held().length === 1);
  await until("the new Service is known", () => cluster.services().some((name) => name.endsWith("new")));
  assert.equal(cluster.services().length, 21, "nothing is deleted");
});

Deno.test("a slice that loses endpoints stays while its list is held, and a new one is served", async () => {
  const slice = (name: string, addresses: readonly string[]) => ({
    metadata: { name, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  });
  const pages = [
    Array.from({ length: 20 }, (_, i) => slice(`s${i}`, [`10.244.0.${i}`])),
    [...Array.from({ length: 20 }, (_, i) => slice(`s${i}`, [])), slice("new", ["10.244.1.1"])],
  ];
  let lists = 0;
  await using server = new Server(empty, (path, query) => {
    if (!path.endsWith("endpointslices")) return empty(query);
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return lists < 2 ? status(410, "Expired") : stream([], true);
    const items = pages[lists++];
    const metadata = { resourceVersion: "5" };
    return items === undefined
      ? status(500, "InternalError")
      : Response.json({ kind: "EndpointSliceList", apiVersion: "discovery.k8s.io/v1", metadata, items });
  });
  await using cluster = follow(server);
  await until("the new endpoint is known", () => cluster.endpoints() === 21);
  assert.match(cluster.held()[0]!, /without 20 of 20 known endpoints: not taken/);
});
