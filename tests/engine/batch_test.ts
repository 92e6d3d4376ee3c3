// Lists that change much: they are taken in portions, and may be cut between any two of them.

import assert from "node:assert/strict";
import fc from "fast-check";
import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { knownVersions } from "../../src/engine/engine_state.ts";
import { runLoop } from "../../src/engine/loop.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { PORTION } from "../../src/limits/input.ts";
import { setPath } from "../../src/nft/ruleset.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const TIME = "2026-11-27T09:00:00.000Z";
const NO_ENDPOINT = setPath("ip", "ledgerproxy", "no-endpoint-services");
/** Most elements that one event of these tests changes. */
const ELEMENTS_OF_EVENT = 2;

/** A kernel that counts the elements of each batch. */
class CountingKernel extends FakeKernel {
  readonly sizes: number[] = [];

  override commit(transaction: Transaction) {
    this.sizes.push(transaction.filter(({ noun }) => noun === "element").length);
    return super.commit(transaction);
  }
}

const withVersion = <T extends KubeObject>(object: T, version: number): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: `${version}` },
});
const serviceOf = (i: number, version: number) =>
  withVersion(service(`shop/s${i} 10.96.${i >> 8}.${i & 255} http:80/tcp`), version);
const sliceOf = (i: number, version: number, endpoint = i & 255) =>
  withVersion(slice(`shop/s${i}-a http:8080/tcp 10.244.${i >> 8}.${endpoint}`), version);
const listOf = (objects: readonly KubeObject[], version: number): SourceBatch => ({
  kind: "list",
  objects,
  complete: true,
  time: TIME,
  resourceVersion: `${version}`,
  problems: [],
});

function ready(): { readonly kernel: CountingKernel; readonly ports: Ports } {
  const kernel = new CountingKernel();
  const ledger = new LedgerWriter(memoryStorage(), { policy: "interval" });
  return { kernel, ports: { kernel, ledger, now: () => TIME, report: () => {}, warn: () => {} } };
}

Deno.test("what a list changes is committed in portions, with turns of the event loop between them", async () => {
  const { kernel, ports } = ready();
  const engine = newEngine();
  perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
  perform(engine, ports, list(kernel));
  const many = 4 * PORTION.events;
  const before = Array.from({ length: many }, (_, i) => [serviceOf(i, 1), sliceOf(i, 1)]).flat();
  const after = Array.from({ length: many }, (_, i) => [serviceOf(i, 1), sliceOf(i, 2, 255)]).flat();
  const turnsOfCommits: number[] = [];
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const source = {
    description: "two lists",
    async *batches() {
      yield listOf(before, 1);
      kernel.sizes.length = 0;
      turnsOfCommits.length = 0;
      yield listOf(after, 2);
      assert.equal(engine.untaken.length, 0, "another batch is asked for once the list is taken");
    },
  };
  const report = () => void turnsOfCommits.push(turns);
  await runLoop(engine, { ...ports, report }, source, new AbortController().signal);
  clearInterval(timer);
  const largest = Math.max(...kernel.sizes);
  assert.ok(largest <= 2 * ELEMENTS_OF_EVENT * PORTION.events, `a batch of ${largest} elements`);
  assert.ok(new Set(turnsOfCommits).size > 1, "commits of one turn are of one portion");
  assert.equal(engine.cluster.services.size, many);
});

Deno.test("where another slice takes the place of one, no Service is without endpoints in between", () => {
  const { kernel, ports } = ready();
  const engine = newEngine();
  perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
  perform(engine, ports, list(kernel));
  const many = 2 * PORTION.events;
  const named = (name: string) => (_: unknown, i: number) =>
    withVersion(slice(`shop/s${i}-${name} http:8080/tcp 10.244.${i >> 8}.${i & 255}`), 1);
  const services = Array.from({ length: many }, (_, i) => serviceOf(i, 1));
  const slices = (name: string) => Array.from({ length: many }, named(name));
  const take = (objects: readonly KubeObject[], version: number) => {
    perform(engine, ports, { kind: "batch", batch: listOf(objects, version) });
    for (;;) {
      commitBatch(engine, ports);
      const refused = kernel.list(OUR_TABLES).elements.get(NO_ENDPOINT);
      assert.equal(refused?.size ?? 0, 0);
      if (engine.untaken.length === 0) return;
      perform(engine, ports, { kind: "untaken" });
    }
  };
  take([...services, ...slices("a")], 1);
  take([...services, ...slices("b")], 2);
});

Deno.test("a watch from the newest known version misses nothing of a list, wherever it is cut", () => {
  const fate = fc.record({ version: fc.integer({ min: 11, max: 99 }), gone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fate, { minLength: 129, maxLength: 300 }), (fates) => {
      const { kernel, ports } = ready();
      const engine = newEngine();
      perform(engine, ports, { kind: "opened", ledger: ports.ledger.ledger });
      perform(engine, ports, list(kernel));
      const before = fates.map((_, i) => serviceOf(i, 10));
      perform(engine, ports, { kind: "batch", batch: listOf(before, 10) });
      const after = fates.flatMap(({ version, gone }, i) => gone ? [] : [serviceOf(i, version)]);
      perform(engine, ports, { kind: "batch", batch: listOf(after, 100) });
      while (engine.untaken.length > 0) {
        // A start knows the objects, and not the versions of deletions.
        engine.deletions.clear();
        const newest = Number(knownVersions(engine).get("Service"));
        for (const { key, value, resourceVersion } of engine.untaken) {
          const { version } = fates[Number(key.name.slice(1))]!;
          const missed = value === null ? version <= newest : Number(resourceVersion) < newest;
          assert.ok(!missed, `${key.name} of version ${version} is missed by a watch from ${newest}`);
        }
        perform(engine, ports, { kind: "untaken" });
      }
    }),
    { numRuns: 20 },
  );
});
