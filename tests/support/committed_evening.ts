// The recorded evening, and a ledger of it with its commits, made in the kernel in memory.

import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { type Placed, readLedger } from "../../src/ledger/reader.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { type Ended, ledgerproxy } from "./run_program.ts";

/** The folder of the recording: a ledger without commits. */
export const RECORDING = new URL("../../fixtures/recordings/evening", import.meta.url).pathname;

/** Folds and commits the evening, record by record; returns the folder of the ledger. */
export function committedEvening(): string {
  const folder = Deno.makeTempDirSync();
  const engine = newEngine();
  using kernel = new FakeKernel();
  using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
  const ports: Ports = {
    kernel,
    ledger,
    now: () => "2026-11-23T18:00:00.000Z",
    report: () => {},
    warn: () => {},
  };
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger, complete: true });
  perform(engine, ports, list(kernel));
  for (const { record } of readLedger(folderStorage(RECORDING, false))) {
    perform(engine, ports, { kind: "appended", first: ledger.append([record]), records: [record] });
    commitBatch(engine, ports);
  }
  const drift: LedgerRecord = {
    kind: "drift",
    time: "2026-11-23T19:00:00.000Z",
    process: "\u001b[31mnft\u202e",
    pid: 7,
    changes: ["delete table ip ledgerproxy"],
    response: "rules are put back",
  };
  ledger.append([drift]);
  return folder;
}

/** The ledger of {@link committedEvening}, asked by the program as a process. Dispose of it to remove it. */
export class CommittedEvening implements Disposable {
  readonly folder = committedEvening();
  readonly records: readonly Placed[] = [...readLedger(folderStorage(this.folder, false))];
  /** The commits that changed anything. */
  readonly commits = this.records.flatMap(({ offset, record }) =>
    record.kind === "commit" && record.changes.length > 0 ? [{ offset, record }] : []
  );
  /** Two commits near the end, one after the other, whose changes are recorded whole. */
  readonly two: readonly { readonly offset: number; readonly record: CommitRecord }[] = this.commits.slice(-9)
    .filter(({ record }) => record.changesOmitted === 0).slice(0, 2);

  /** Runs the program with `args` about this ledger, in a terminal whose zone is not UTC. */
  ask(...args: readonly string[]): Promise<Ended> {
    return ledgerproxy([...args, "--ledger", this.folder], { TZ: "Asia/Kathmandu" });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}
