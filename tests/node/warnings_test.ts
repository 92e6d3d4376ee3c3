// Lines about the objects of a namespace, or of two together, have a budget.

import assert from "node:assert/strict";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { LINE_EVERY_MILLISECONDS, LINES_AT_ONCE } from "../../src/limits/serving.ts";
import { Warnings } from "../../src/node/warnings.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const EXTERNAL = { externalIPs: ["203.0.113.80"] };
const claims = (name: string, ip: string, spec = EXTERNAL) =>
  appears(service(`${name} ${ip} http:80/tcp`, "2026-01-01T00:00:00Z", spec));

Deno.test("two Services that take an address from each other in turns fill no log, and lines about others are written", () => {
  let now = 0;
  const lines: string[] = [];
  const warnings = new Warnings((text) => lines.push(text), () => now);
  using process = new EngineProcess(new FakeKernel(), memoryStorage());
  process.ports.warn = (text, about) => warnings.warn(text, about);
  process.list(
    ...["blog/a", "shop/b"].map((name) => slice(`${name}-s http:8080/tcp 10.244.0.1 10.244.0.2`)),
    claims("blog/a", "10.96.0.1").value!,
    claims("shop/b", "10.96.0.2").value!,
  );
  for (let i = 0; i < 200; i++) {
    process.commit([claims("blog/a", "10.96.0.1", i % 2 === 0 ? { externalIPs: [] } : EXTERNAL)]);
  }
  assert.equal(lines.length, LINES_AT_ONCE);
  assert.match(lines.at(-1)!, /203\.0\.113\.80/);
  process.commit([claims("shop/c", "10.96.0.2", { externalIPs: [] })]);
  assert.match(lines.at(-1)!, /^ip 10\.96\.0\.2 .* is claimed by shop\/c too/, "a line about one namespace");
  now += LINE_EVERY_MILLISECONDS;
  process.commit([claims("blog/a", "10.96.0.1", { externalIPs: [] })]);
  assert.match(lines.at(-1)!, /\(left out before: \d{3} lines about namespaces blog and shop\)$/);
});

Deno.test("wrong objects of one namespace fill no log, however often they change, and other problems are written", () => {
  const lines: string[] = [];
  const warnings = new Warnings((text) => lines.push(text), () => 0);
  using process = new EngineProcess(new FakeKernel(), memoryStorage());
  process.ports.warn = (text, about) => warnings.warn(text, about);
  const problems = (namespace: string) => {
    const [metadata, ports] = [{ name: "web", namespace }, [{ port: 80 }, { port: 0 }]];
    const object = { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: "10.96.0.1", ports } };
    const [decoded, refused] = [decodeObject(object), decodeObject({ ...object, apiVersion: "v2" })];
    assert.ok(decoded.ok && !refused.ok);
    return [...decoded.warnings, refused.problem];
  };
  assert.equal(problems("shop").length, 2);
  const receive = (problems: string[]) => process.receive({ kind: "events", events: [], problems });
  for (let i = 0; i < 5 * LINES_AT_ONCE; i++) receive(problems("shop"));
  assert.equal(lines.length, LINES_AT_ONCE);
  for (const other of [...problems("blog"), "Node: trying again"]) {
    receive([other]);
    assert.equal(lines.at(-1), other);
  }
});

Deno.test("lines that were left out are forgotten with the budget that is full again", () => {
  let now = 0;
  const lines: string[] = [];
  const warnings = new Warnings((text) => lines.push(text), () => now);
  for (let i = 0; i < 2 * LINES_AT_ONCE; i++) warnings.warn("a line", "namespace a");
  now += (LINES_AT_ONCE + 1) * LINE_EVERY_MILLISECONDS;
  warnings.warn("another line", "namespace b");
  warnings.warn("a later line", "namespace a");
  assert.deepEqual(lines.slice(LINES_AT_ONCE), ["another line", "a later line"]);
});

Deno.test("a line that is about no tenant is always written", () => {
  const lines: string[] = [];
  const warnings = new Warnings((text) => lines.push(text), () => 0);
  for (let i = 0; i < 1000; i++) warnings.warn("the kernel rejected");
  assert.equal(lines.length, 1000);
});
