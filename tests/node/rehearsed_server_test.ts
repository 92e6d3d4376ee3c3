// What a rehearsed server answers is read as the answers of a real one are.

import assert from "node:assert/strict";
import { apiSource } from "../../src/ingest/api_source.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import { RehearsedServer } from "../../src/node/rehearsed_server.ts";

/** The next batch. */
async function taken(batches: AsyncIterator<SourceBatch>): Promise<SourceBatch> {
  const { value, done } = await batches.next();
  assert.ok(!done);
  return value;
}

Deno.test("the lists have Services of several kinds, and each change gives a slice other endpoints", async () => {
  const server = new RehearsedServer("node-a");
  const stop = new AbortController();
  const batches = apiSource(server, "node-a", false).batches(stop.signal)[Symbol.asyncIterator]();
  const listed: string[] = [];
  for (let batch; (batch = await taken(batches)).kind === "list";) {
    assert.deepEqual(batch.problems, []);
    listed.push(
      ...batch.objects.map((object) => object.kind === "Service" ? object.spec.type ?? "" : object.kind),
    );
    if (batch.part === undefined) break;
  }
  assert.deepEqual([...new Set(listed)].sort(), ["ClusterIP", "EndpointSlice", "Node", "NodePort"]);
  const seen = new Set<string>();
  for (let change = 1; change <= 100; change++) {
    server.change(change);
    const batch = await taken(batches);
    assert.ok(batch.kind === "events" && batch.problems.length === 0);
    const [{ value }] = batch.events as [typeof batch.events[number]];
    assert.ok(value?.kind === "EndpointSlice");
    seen.add(`${value.metadata.name} ${JSON.stringify(value.endpoints)}`);
  }
  assert.equal(seen.size, 100);
  stop.abort();
  await batches.return?.();
});
