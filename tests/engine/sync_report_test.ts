// What the engine reports about its commits, and about events that need none.

import assert from "node:assert/strict";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const PODS = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.1");

Deno.test("a report counts changes, and each trigger of a slice once", () => {
  using kernel = new FakeKernel();
  using process = new EngineProcess(kernel, memoryStorage());
  const triggered = (pods: string, time: string) => {
    const one = slice(`shop/web-a http:8080/tcp ${pods}`);
    const annotations = { "endpoints.kubernetes.io/last-change-trigger-time": time };
    return { ...one, metadata: { ...one.metadata, annotations } };
  };
  const times = ["2026-11-23T03:12:00Z", "2026-11-23T03:12:01Z"] as const;
  process.list(WEB, triggered("10.244.0.1", times[0]));
  process.list(WEB, triggered("10.244.0.2", times[0]));
  process.list(WEB, triggered("10.244.0.3", times[1]));
  assert.deepEqual(
    process.reports.map((
      { serviceChanges, endpointChanges, triggers },
    ) => [serviceChanges, endpointChanges, triggers]),
    [[1, 1, [{ family: "ip", time: times[0] }]], [0, 1, []], [0, 1, [{ family: "ip", time: times[1] }]]],
  );
});

Deno.test("events that change no rule are reported without a commit, and nothing waits for one", () => {
  using kernel = new FakeKernel();
  using process = new EngineProcess(kernel, memoryStorage());
  process.list(WEB, PODS);
  const position = process.engine.committedOffset;
  process.list(WEB, PODS);
  assert.equal(process.reports.length, 1, "a list without a difference has no event");
  process.list(WEB, PODS, service("shop/headless None http:80/tcp"));
  const { operations, serviceChanges, position: reported } = process.reports[1]!;
  assert.deepEqual([operations, serviceChanges, reported], [0, 1, position]);
  assert.deepEqual(process.engine.gathered, { stepped: false, services: 0, endpoints: 0, triggers: [] });
});
