// Records of every kind, and ledgers of them in memory.

import assert from "node:assert/strict";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import { LedgerWriter, type WriterOptions } from "../../src/ledger/writer.ts";
import { appears, service, slice, vanishes } from "./cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "./memory_storage.ts";

export const TIME = "2026-11-23T09:26:10.000Z";
/** Id of the ledgers here. */
export const ID = "0123456789abcdef";
export const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };

/** One record of every kind. */
export const EVERY_KIND: readonly LedgerRecord[] = [
  { kind: "config", time: TIME, version: "0.1.0", nodeName: "node-a" },
  appears(service("shop/web 10.96.0.1 http:80/tcp")),
  appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")),
  vanishes(service("shop/web 10.96.0.1 http:80/tcp")),
  {
    kind: "commit",
    time: TIME,
    from: 0,
    through: 3,
    digest: "ab".repeat(32),
    outcome: "rejected",
    error: "the kernel rejected delete element ip ledgerproxy cluster-ips { 10.96.0.1 } (ENOENT)",
    changes: [{
      verb: "delete",
      set: "ip ledgerproxy cluster-ips",
      key: "10.96.0.1",
      cause: 3,
      comment: "shop/web",
    }],
    changesOmitted: 0,
    operations: 3,
    microseconds: 45,
    generation: 17,
  },
  {
    kind: "drift",
    time: TIME,
    process: "nft",
    pid: 4711,
    changes: ["delete table ip ledgerproxy"],
    response: "rebuilt",
  },
  { kind: "gap", time: TIME, reason: "no space left on device", records: 12 },
];

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function open(storage: Storage, options: Partial<WriterOptions> = {}): LedgerWriter {
  return new LedgerWriter(storage, { policy: "interval", ledger: ID, ...options });
}

export const recordsIn = (storage: Storage): LedgerRecord[] =>
  [...readLedger(storage)].map(({ record }) => record);

/** Two segments, with `records` written one by one. */
export function twoSegments(records: readonly LedgerRecord[] = EVERY_KIND): MemoryStorage {
  const storage = memoryStorage();
  using writer = open(storage, { segmentBytes: 1500 });
  for (const record of records) writer.append([record]);
  assert.ok(storage.files.size >= 2);
  return storage;
}

/** Calls `use`, and disposes of `resource`. */
export function using<T extends Disposable>(resource: T, use: (resource: T) => void): void {
  using held = resource;
  use(held);
}
