// Ledgers in memory for questions: with given records, or written by an engine with the kernel in memory.

import { newEngine } from "../../src/engine/engine.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import type { Past } from "../../src/history/past.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { ServiceBounds } from "../../src/kube/bounds.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { EventRecord, LedgerRecord } from "../../src/ledger/record.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice, vanishes } from "./cluster_notation.ts";
import { memoryStorage } from "./memory_storage.ts";

/** A ledger that holds `records`. */
export function pastOf(records: readonly LedgerRecord[]): Past {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  writer.append([...records]);
  writer.sync();
  return ledgerView<SnapshotLine>(storage, snapshotMisfit);
}

/** The time in second `second` of a test: 0 is `2026-11-23T03:12:00.000Z`. */
export function timeAt(second: number): string {
  return new Date(Date.parse("2026-11-23T03:12:00.000Z") + second * 1000).toISOString();
}

/**
 * Appends `batches` to the ledger in `storage`, a second apart, and commits each to the kernel in memory. With `bounds` they are the
 * first record, rules are made in steps, and `steps` says how many follow a batch; those that are left follow the last one.
 */
export function writeCommitted(
  storage: Storage,
  batches: readonly (readonly EventRecord[])[],
  { bounds, steps = () => Infinity }: { readonly bounds?: ServiceBounds; readonly steps?: () => number } = {},
): void {
  const engine = newEngine();
  using kernel = new FakeKernel();
  using ledger = new LedgerWriter(storage, { policy: "never" });
  let second = 0;
  const ports: Ports = { kernel, ledger, now: () => timeAt(second), report: () => {}, warn: () => {} };
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger, complete: true });
  perform(engine, ports, list(kernel));
  if (bounds !== undefined) {
    const config = { kind: "config", time: timeAt(0), version: "0", nodeName: "node-a", bounds } as const;
    perform(engine, ports, { kind: "appended", first: ledger.append([config]), records: [config] });
  }
  for (const [i, batch] of batches.entries()) {
    second++;
    const records = batch.map((event) => ({
      ...event,
      time: timeAt(second),
      resourceVersion: String(100 + second),
    }));
    perform(engine, ports, { kind: "appended", first: ledger.append(records), records });
    if (bounds === undefined) commitBatch(engine, ports);
    let left = i === batches.length - 1 ? Infinity : steps();
    for (; bounds !== undefined && left > 0; left--) {
      second++;
      commitBatch(engine, ports, true);
      if (!isUnfinished(engine.cluster)) break;
    }
    // What the last step made.
    if (bounds !== undefined && !isUnfinished(engine.cluster)) commitBatch(engine, ports);
  }
}

const WEB = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");

/** A Service that gets two endpoints, loses one, then all: events @0 @1, @3, @5, each committed by the next record. */
export const SHRINKING: readonly (readonly EventRecord[])[] = [
  [appears(service("shop/web 10.96.0.1 http:80/tcp")), appears(WEB)],
  [appears(slice("shop/web-a http:8080/tcp 10.244.0.2"))],
  [vanishes(WEB)],
];

/** The ledger of `batches`. */
export function committedPast(
  batches: readonly (readonly EventRecord[])[] = SHRINKING,
  steps: Parameters<typeof writeCommitted>[2] = {},
): Past {
  const storage = memoryStorage();
  writeCommitted(storage, batches, steps);
  return ledgerView<SnapshotLine>(storage, snapshotMisfit);
}

/** How tests print times: only the seconds. */
export function secondsOf(time: string): string {
  return time.slice(17, 19);
}
