// Ledgers for tests of reports: the recorded evening as a node would have written it, with its own clock, and a night with
// failures.

import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { CommitReceipt } from "../../src/kernel/kernel.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { EngineProcess } from "./engine_process.ts";
import { allKept } from "./kept_records.ts";

const RECORDING = new URL("../../fixtures/recordings/evening", import.meta.url).pathname;
/** Events closer together than this are one batch. */
const TOGETHER_MILLISECONDS = 5;

/** Milliseconds from the arrival of batch `i` to its commit, as if other work were in the way now and then. */
export function waitOf(i: number): number {
  return i === 0 ? 180 : 2 + (i * 7) % 5 + (i % 23 === 0 ? 35 : 0);
}

/** Microseconds in the kernel for so many operations. */
export function kernelMicroseconds(operations: number): number {
  return 40 + 9 * operations;
}

class TimedKernel extends FakeKernel {
  override commit(transaction: Transaction): CommitReceipt {
    const receipt = super.commit(transaction);
    return { ...receipt, microseconds: kernelMicroseconds(receipt.operations) };
  }
}

/** Writes the evening into `folder`, batch by batch, with a drift by `process` and a gap before its last batch. */
export function writeEvening(folder: string, process = "nft"): void {
  using kernel = new TimedKernel();
  let now = "";
  const storage = folderStorage(folder, true);
  using node = new EngineProcess(kernel, storage, { complete: true, now: () => now });
  const all = batches(allKept(RECORDING));
  all.forEach((records, i) => {
    const arrived = Date.parse(records.at(-1)!.time);
    if (i === all.length - 1) {
      const time = new Date(arrived - 2000).toISOString();
      node.ledger.append(trouble(process, time));
    }
    now = new Date(arrived + waitOf(i)).toISOString();
    node.commit(records);
  });
}

function trouble(process: string, time: string): LedgerRecord[] {
  const changes = ["delete element ip ledgerproxy endpoints { 10.96.0.1 . tcp . 443 . 0 }"];
  return [
    { kind: "drift", time, process, pid: 4711, changes, response: "rules are put back" },
    { kind: "gap", time, reason: "No space left on device", records: 12 },
  ];
}

/** Records that arrived together. A config record belongs to the batch of the events after it. */
function batches(records: readonly LedgerRecord[]): LedgerRecord[][] {
  const made: LedgerRecord[][] = [];
  let last = -Infinity;
  for (const record of records) {
    if (record.kind !== "event" && record.kind !== "config") continue;
    const time = Date.parse(record.time);
    const open = made.at(-1);
    const together = time - last <= TOGETHER_MILLISECONDS || open?.at(-1)?.kind === "config";
    if (open !== undefined && together) open.push(record);
    else made.push([record]);
    last = time;
  }
  return made;
}
