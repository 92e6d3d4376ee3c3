// A source that continues with a ledger: events that the ledger has are not appended again.

import assert from "node:assert/strict";
import { apiSource } from "../../src/ingest/api_source.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { describeKey } from "../../src/kube/objects.ts";
import { line, Server, stream, whole } from "../support/api_server.ts";
import { FollowedCluster } from "../support/followed_cluster.ts";
import { until } from "../support/until.ts";

const TIMES = { idleMilliseconds: 60_000, catchUpMilliseconds: 50, backoffMilliseconds: 10 };

/** The events that the API server keeps, by version. */
const HISTORY = [
  [1, "ADDED", "a"],
  [11, "ADDED", "short"],
  [12, "DELETED", "short"],
] as const;

/** A server with `a`, whose lists have the versions 10 and 12, and which replays the events after the requested version. */
function server(): Server {
  let version = 10;
  return new Server((query) => {
    if (!query.has("sendInitialEvents")) return stream(since(Number(query.get("resourceVersion"))), true);
    const metadata = {
      resourceVersion: String(version),
      annotations: { "k8s.io/initial-events-end": "true" },
    };
    const list = [line("ADDED", whole("a")), line("BOOKMARK", { metadata }), ...since(version)];
    version = 12;
    return stream(list, true);
  });
}

const since = (version: number) =>
  HISTORY.filter(([at]) => at > version).map(([at, type, name]) => line(type, whole(name, String(at))));

Deno.test("a Service that was created and deleted is in the ledger once, also after a restart", async () => {
  await using api = server();
  const kernel = new FakeKernel();
  const follow = (before?: FollowedCluster) =>
    new FollowedCluster(apiSource(api.client(), "node-a", false, TIMES), before?.storage, kernel);
  const events = (cluster: FollowedCluster) =>
    cluster.records().flatMap((record) =>
      record.kind === "event" ? [`${record.value === null ? "-" : "+"}${describeKey(record.key)}`] : []
    );
  const expected = ["+Service shop/a", "+Service shop/short", "-Service shop/short"];
  const first = follow();
  await until("it went", () => events(first).length >= 3);
  await first[Symbol.asyncDispose]();
  assert.deepEqual(events(first), expected);
  await using second = follow(first);
  const listed = () => second.source.status().every(({ lists }) => lists === 1);
  await until("all is listed", () => listed() && second.engine.synced);
  assert.equal(api.calls[1]!.get("resourceVersion"), "12", "the version of the deletion");
  assert.deepEqual(events(second), expected);
});

Deno.test("a watch without a version repeats all objects, and the ledger holds each once", async () => {
  let watches = 0;
  await using api = new Server((query) => {
    if (query.has("sendInitialEvents")) {
      const metadata = { annotations: { "k8s.io/initial-events-end": "true" } };
      return stream([line("ADDED", whole("a")), line("BOOKMARK", { metadata })], false);
    }
    watches++;
    return stream([line("ADDED", whole("a")), line("ADDED", whole(`late${watches}`, "11"))], true);
  });
  await using cluster = new FollowedCluster(
    apiSource(api.client(), "node-a", false, { ...TIMES, idleMilliseconds: 200, backoffMaxMilliseconds: 20 }),
  );
  await until("it was watched a few times", () => watches >= 3);
  const added = cluster.records().filter((record) => record.kind === "event" && record.key.name === "a");
  assert.equal(added.length, 1);
});
