// An engine with a ledger and a kernel, started as `run` starts it, without a source. Tests give it batches or records, and look
// at what it commits.

import { type EngineState, newEngine, stepEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { restoredState, type SnapshotLine } from "../../src/fold/snapshot.ts";
import type { SyncReport } from "../../src/engine/sync_report.ts";
import type { SourceBatch } from "../../src/ingest/source.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import type { SyncPolicy } from "../../src/ledger/disk_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";

/** The time of all records, unless a test has a clock. */
export const TIME = "2026-11-23T18:00:00.000Z";

/** Settings of a start. */
export interface ProcessOptions {
  readonly policy?: SyncPolicy;
  /** The ledger holds a whole cluster: the engine commits before a source has listed. */
  readonly complete?: boolean;
  /** RFC 3339 with milliseconds. */
  readonly now?: () => string;
  /** Called with each warning; they are gathered in any case. */
  readonly warn?: (text: string) => void;
  /** The time of the start, RFC 3339, for the record of a disagreement with the kernel. Absent: it is not recorded. */
  readonly startedAt?: string;
  readonly conntrack?: Ports["conntrack"];
  /** Records that are appended before the kernel is listed, as a start appends its configuration. */
  readonly first?: readonly LedgerRecord[];
}

/** An engine on `kernel` and `storage`; dispose of it to end the process. The kernel is the test's. */
export class EngineProcess implements Disposable {
  readonly engine: EngineState;
  readonly reports: SyncReport[] = [];
  readonly warnings: string[] = [];
  readonly ledger: LedgerWriter;
  readonly ports: Ports;

  constructor(readonly kernel: Kernel, readonly storage: Storage, options: ProcessOptions = {}) {
    const { policy = "never", complete = false, now = () => TIME, warn, startedAt, first = [], conntrack } =
      options;
    const snapshot = newestSnapshot<SnapshotLine>(storage, undefined, snapshotMisfit);
    this.engine = newEngine(snapshot && restoredState(snapshot.lines));
    this.ledger = new LedgerWriter(storage, {
      policy,
      ...(snapshot === undefined ? {} : { behind: snapshot }),
      onRecord: (first, record) =>
        void stepEngine(this.engine, { kind: "appended", first, records: [record] }),
    });
    this.ports = {
      kernel,
      ...(conntrack && { conntrack }),
      ledger: this.ledger,
      now,
      report: (report) => this.reports.push(report),
      warn: (text) => {
        this.warnings.push(text);
        warn?.(text);
      },
    };
    perform(this.engine, this.ports, {
      kind: "opened",
      ledger: this.ledger.ledger,
      ...(complete ? { complete } : {}),
    });
    if (first.length > 0) this.append(first);
    perform(this.engine, this.ports, list(kernel, startedAt));
  }

  /** Takes a batch of the source, and commits. */
  receive(batch: SourceBatch): void {
    perform(this.engine, this.ports, { kind: "batch", batch });
    perform(this.engine, this.ports, { kind: "untaken", all: true });
    perform(this.engine, this.ports, { kind: "sync" });
  }

  /** Takes a list of all objects, and commits. */
  list(...objects: readonly KubeObject[]): void {
    this.receive({ kind: "list", objects, complete: true, time: this.ports.now(), problems: [] });
  }

  /** Appends records and folds them; returns the offset of the first. */
  append(records: readonly LedgerRecord[]): Offset {
    const first = this.ledger.append(records);
    perform(this.engine, this.ports, { kind: "appended", first, records });
    return first;
  }

  /** Appends records and commits what they change; returns the offset of the first. */
  commit(records: readonly LedgerRecord[]): Offset {
    const first = this.append(records);
    commitBatch(this.engine, this.ports);
    return first;
  }

  [Symbol.dispose](): void {
    this.ledger[Symbol.dispose]();
  }
}
