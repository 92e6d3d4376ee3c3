// Assertions of a running node: what is reported, and what is wrong usage.

import assert from "node:assert/strict";
import { LiveAssertions } from "../../src/cli/live_assertions.ts";
import { UsageError } from "../../src/node/usage_error.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { ApiEvent } from "../../src/serve/event_recorder.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";

function fileOf(text: string): string {
  const file = Deno.makeTempFileSync({ suffix: ".yaml" });
  Deno.writeTextFileSync(file, text);
  return file;
}

Deno.test("an assertion that breaks, and holds again, is an event on the Node and counted", () => {
  const file = fileOf("- { service: shop/web, ready: 1, name: web is there }\n");
  using live = new LiveAssertions(file);
  using kernel = new FakeKernel();
  using node = new EngineProcess(kernel, memoryStorage(), { complete: true });
  const events: ApiEvent[] = [];
  const observed = {
    engine: node.engine,
    drift: undefined,
    sendEvent: (event: ApiEvent) => events.push(event),
    failed: (error: unknown) => assert.fail(String(error)),
  };
  const endpoints = slice("shop/web-a http:8080/tcp 10.244.0.1");
  node.commit([appears(service("shop/web 10.96.0.1 http:80/tcp")), appears(endpoints)]);
  live.check(observed, 1000);
  assert.deepEqual([events.length, live.state()], [0, { count: 1, broken: [] }]);
  node.commit([vanishes(endpoints)]);
  live.check(observed, 2000);
  live.check(observed, 3000);
  assert.deepEqual(live.state().broken, [{
    name: "web is there",
    holds: false,
    text: "0 ready",
    since: 2000,
  }]);
  node.commit([appears(endpoints)]);
  live.check(observed, 4000);
  assert.deepEqual(events.map(({ type, reason, note }) => [type, reason, note]), [
    ["Warning", "AssertionBroken", "web is there: 0 ready"],
    ["Normal", "AssertionHolds", "web is there: holds again"],
  ]);
  Deno.removeSync(file);
});

Deno.test("the latency of one Service is checked by `test` alone", () => {
  const file = fileOf("- { service: web, latency: 3s }\n");
  assert.throws(() => new LiveAssertions(file), UsageError);
  Deno.removeSync(file);
});
