// What was busy.

import assert from "node:assert/strict";
import { topIn } from "../../src/history/top.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { pastOf, timeAt } from "../support/past.ts";
import { ALL, webPast } from "../support/web_history.ts";

const commit = (through: number, microseconds: number): CommitRecord => ({
  ...{ kind: "commit", time: timeAt(50), from: 0, through, digest: "00".repeat(32), outcome: "committed" },
  ...{ changes: [], changesOmitted: 0, operations: through, microseconds, generation: 1 },
});

Deno.test("Services by records that changed them, endpoints by how often they came back", () => {
  const { services, endpoints, from, through } = topIn(webPast(), ALL, 10);
  assert.deepEqual([from, through], [0, 13]);
  assert.deepEqual(services, [
    { service: "shop/web", changes: 6, endpoints: 6, last: 9 },
    { service: "shop/cart", changes: 1, endpoints: 0, last: 11 },
  ]);
  assert.deepEqual(endpoints, [
    { service: "shop/web", endpoint: "10.244.0.1:8080", flaps: 1, last: 7 },
    { service: "shop/web", endpoint: "10.244.0.2:8080", flaps: 1, last: 7 },
  ]);
  assert.equal(topIn(webPast(), ALL, 1).services.length, 1);
  assert.deepEqual(topIn(webPast(), { from: 9, through: 9 }, 9).services, [
    { service: "shop/web", changes: 1, endpoints: 0, last: 9 },
  ]);
});

Deno.test("commits by their time in the kernel, however many there are", () => {
  const records: LedgerRecord[] = [appears(service("shop/web 10.96.0.1 http:80/tcp"))];
  for (let i = 1; i < 2500; i++) records.push(commit(i - 1, i * 7919 % 2500));
  const { commits } = topIn(pastOf(records), { from: 0, through: 2499 }, 3);
  assert.deepEqual(commits.map(({ microseconds }) => microseconds), [2499, 2498, 2497]);
  const slowest = commits[0]!;
  assert.equal(slowest.offset * 7919 % 2500, 2499);
  assert.deepEqual([slowest.through, slowest.operations], [slowest.offset - 1, slowest.offset - 1]);
});

Deno.test("an endpoint that comes back after more than an hour did not flap", () => {
  const at = (second: number, ...addresses: string[]) => ({
    ...appears(slice(`shop/web-a http:8080/tcp ${addresses.join(" ")}`)),
    time: timeAt(second),
  });
  const back = (seconds: number) =>
    topIn(
      pastOf([
        { ...appears(service("shop/web 10.96.0.1 http:80/tcp")), time: timeAt(0) },
        at(0, "10.0.0.1", "10.0.0.2"),
        at(1, "10.0.0.2"),
        at(1 + seconds, "10.0.0.1", "10.0.0.2"),
      ]),
      { from: 0, through: 3 },
      5,
    ).endpoints.length;
  assert.deepEqual([back(3600), back(3601)], [1, 0]);
});
