// A proxy with a fake kernel that follows an API server: source, engine, ledger, and its log.

import type { ApiSource } from "../../src/ingest/api_source.ts";
import { newEngine, stepEngine } from "../../src/engine/engine.ts";
import { list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { type MemoryStorage, memoryStorage } from "./memory_storage.ts";

const TIME = "2026-11-26T10:00:00.000Z";

/** Follows `source` until it is disposed of; continues the ledger in `storage`. */
export class FollowedCluster implements AsyncDisposable {
  readonly engine = newEngine();
  readonly warnings: string[] = [];
  readonly #ports: Ports & { readonly ledger: LedgerWriter };
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(
    readonly source: ApiSource,
    readonly storage: MemoryStorage = memoryStorage(),
    kernel = new FakeKernel(),
  ) {
    const ledger = new LedgerWriter(storage, {
      policy: "never",
      onRecord: (first, record) =>
        void stepEngine(this.engine, { kind: "appended", first, records: [record] }),
    });
    this.#ports = {
      kernel,
      ledger,
      now: () => TIME,
      report: () => {},
      warn: (text) => this.warnings.push(text),
    };
    perform(this.engine, this.#ports, { kind: "opened", ledger: ledger.ledger });
    perform(this.engine, this.#ports, list(kernel, TIME));
    this.#done = runLoop(this.engine, this.#ports, source, this.#stop.signal);
  }

  /** Names of the known Services. */
  services(): string[] {
    return [...this.engine.cluster.services.keys()].sort();
  }

  /** Number of known endpoints. */
  endpoints(): number {
    const objects = [...this.engine.cluster.objects.values()];
    return objects.reduce(
      (n, object) => n + (object.kind === "EndpointSlice" ? object.endpoints.length : 0),
      0,
    );
  }

  records(): LedgerRecord[] {
    return [...readLedger(this.storage)].map(({ record }) => record);
  }

  /** The ledger's records about lists that waited for a confirmation. */
  held(): string[] {
    return this.records().flatMap((record) =>
      record.kind === "drift" ? [`${record.process}: ${record.changes.join()}: ${record.response}`] : []
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.#ports.ledger[Symbol.dispose]();
  }
}
