// The first lists of all resources, where a server does not answer some of them.

import assert from "node:assert/strict";
import { apiSource } from "../../src/ingest/api_source.ts";
import { isPart } from "../../src/ingest/source.ts";
import { BOOKMARK, line, Server, stream, whole } from "../support/api_server.ts";
import { Follower } from "../support/follower.ts";
import { until } from "../support/until.ts";

/** Answers at the end of a test, however that ends: a server waits for its answers before it closes. */
function answeredAtEnd({ resolve }: PromiseWithResolvers<Response>): Disposable {
  return { [Symbol.dispose]: () => resolve(new Response()) };
}

const TIMES = { backoffMilliseconds: 10, backoffMaxMilliseconds: 50 };

Deno.test("lists that are never answered are asked for and waited for together, with one bound", async () => {
  const asked: string[] = [];
  const never = Promise.withResolvers<Response>();
  await using server = new Server(
    () => stream([line("ADDED", whole("a")), BOOKMARK], true),
    (path) => {
      if (path === "/livez") return new Response("ok");
      asked.push(path);
      return path.endsWith("/endpointslices") ? stream([BOOKMARK], true) : never.promise;
    },
  );
  using _ended = answeredAtEnd(never);
  const begun = performance.now();
  await using follower = new Follower(
    apiSource(server.client(), "node-a", false, {
      ...TIMES,
      // No failure of the two that hang comes before the bound.
      idleMilliseconds: 600_000,
      answerMilliseconds: 600_000,
      unansweredMilliseconds: 600_000,
      quietMilliseconds: 600_000,
      missMilliseconds: 3000,
    }),
  );
  const lists = () => follower.batches.filter((batch) => batch.kind === "list");
  await until("the list is whole", () => lists().some((list) => !isPart(list)));
  assert.ok(performance.now() - begun > 2900, "it waited for them");
  assert.deepEqual(lists().map(({ kinds, complete }) => `${kinds} ${complete}`), [
    "EndpointSlice true",
    "Service true",
    "Node false",
    "ServiceCIDR false",
  ]);
  assert.deepEqual(asked.map((path) => path.split("/").at(-1)).sort(), [
    "endpointslices",
    "nodes",
    "servicecidrs",
  ]);
});

const NO_SLICES = {
  kind: "EndpointSliceList",
  apiVersion: "discovery.k8s.io/v1",
  metadata: { resourceVersion: "5" },
  items: [],
};

Deno.test("a resource that had no answer is asked for again as soon as the server answers another one", async () => {
  const never = Promise.withResolvers<Response>();
  let slices = 0;
  await using server = new Server(
    () => stream([line("ADDED", whole("a")), BOOKMARK], true),
    (path, query) => {
      if (path === "/livez") return new Response("ok");
      if (path.endsWith("/endpointslices") && ++slices === 1) return never.promise;
      return query.has("watch") ? stream([BOOKMARK], true) : Response.json(NO_SLICES);
    },
  );
  using _ended = answeredAtEnd(never);
  // It is given up before the list of Services, the last, is asked for: that is 3 s after the start where others hang.
  const hour = 3_600_000;
  const pauses = { backoffMilliseconds: 2 * hour, backoffMaxMilliseconds: 2 * hour };
  const source = apiSource(server.client(), "node-a", false, { ...pauses, answerMilliseconds: 1500 });
  await using follower = new Follower(source);
  await until("the list is whole", () => follower.batches.some((one) => one.kind === "list" && !isPart(one)));
  assert.ok(slices > 1);
});
