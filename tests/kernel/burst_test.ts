// A burst of changes: all of them are in the ledger, the kernel ends with the last state, and changes share commits.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { list, perform } from "../../src/engine/executor.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { separated } from "../../src/nft/objects.ts";
import { elementKey } from "../../src/nft/ruleset.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { allKept } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

const SERVICES = 200;
const CHANGES = 10_000;
const BATCH = 50;

requirePrivateNamespace();

Deno.test(
  "after 10,000 endpoint changes at once the kernel has the last state and the ledger all changes",
  async () => {
    const folder = Deno.makeTempDirSync();
    using kernel = new NetlinkKernel();
    const engine = newEngine();
    {
      using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
      const now = () => new Date().toISOString();
      const ports: Ports = { kernel, ledger, now, report: () => {}, warn: (text) => assert.fail(text) };
      perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
      perform(engine, ports, list(kernel));
      await runLoop(engine, ports, { description: "a burst", batches: burst }, new AbortController().signal);
    }
    const records = allKept(folder);
    const events = records.filter((record) => record.kind === "event" && record.key.kind === "EndpointSlice");
    assert.equal(events.length, SERVICES + CHANGES, "every change is in the ledger");
    const commits = records.filter((record) => record.kind === "commit").length;
    assert.ok(
      commits >= 2 && commits <= CHANGES / BATCH + 2,
      `${commits} commits for ${CHANGES / BATCH} batches`,
    );
    const held = separated(kernel.list(OUR_TABLES)).elements;
    const differences = diff(held, engine.cluster.desired).filter(({ set }) => set !== POSITION_PATH);
    assert.deepEqual(differences, [], "the kernel holds the last state");
    for (let i = 0; i < SERVICES; i++) {
      const last = CHANGES - SERVICES + i;
      const slots = held.get(PATHS.ip.endpoints)!;
      assert.equal(slots.get(elementKey([addressOf(i), "tcp", "80", "1"]))?.value, `${podOf(last)} . 8080`);
    }
    await Deno.remove(folder, { recursive: true });
  },
);

/** A list, then changes of all Services in turn, as fast as the loop takes them. */
async function* burst(): AsyncGenerator<SourceBatch> {
  const time = new Date().toISOString();
  const objects = Array.from({ length: SERVICES }, (_, i) => [
    service(`shop/s${i} ${addressOf(i)} http:80/tcp`),
    slice(`shop/s${i}-a http:8080/tcp 10.244.0.1 10.244.0.2`),
  ]).flat();
  yield { kind: "list", objects, complete: true, time, problems: [] };
  for (let at = 0; at < CHANGES; at += BATCH) {
    const events = Array.from({ length: BATCH }, (_, i) => {
      const change = at + i;
      return appears(slice(`shop/s${change % SERVICES}-a http:8080/tcp 10.244.0.1 ${podOf(change)}`));
    });
    yield { kind: "events", events, problems: [] };
  }
}

function addressOf(i: number): string {
  return `10.96.${i >> 8}.${i & 255}`;
}

function podOf(change: number): string {
  return `10.245.${change >> 8}.${change & 255}`;
}
