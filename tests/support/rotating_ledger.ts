// A ledger that is written while it is followed: segments begin, end and go.

import type { ClusterState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { stateAt } from "../../src/history/past.ts";
import { HEAD, resolvePosition } from "../../src/history/position_expression.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, slice } from "./cluster_notation.ts";
import { timeAt } from "./past.ts";

/** The commit of the record at `through`. */
export function commitOf(through: number): CommitRecord {
  return {
    ...{
      kind: "commit",
      time: timeAt(61),
      from: through,
      through,
      digest: "00".repeat(32),
      outcome: "committed",
    },
    ...{ changes: [], changesOmitted: 0, operations: 1, microseconds: 9, generation: 1 },
  };
}

/** A writer of the ledger of `web_history.ts`, whose snapshots begin segments and remove older ones. */
export class RotatingLedger implements Disposable {
  readonly #writer: LedgerWriter;
  readonly #state: ClusterState;
  #next = 0;

  /** `block`: the beginning of the addresses of its endpoints. */
  constructor(folder: string, readonly block = "10.244.7") {
    // Retention may have removed the records that a snapshot stands for.
    const past = openPast(folder);
    this.#state = stateAt(past, resolvePosition(HEAD, past)).state;
    this.#writer = new LedgerWriter(folderStorage(folder, false), { policy: "never" });
  }

  /** Makes the endpoint of shop/web the next one of a series, and commits that; returns its address and the offset of the event. */
  change(): { readonly address: string; readonly offset: number } {
    const address = `${this.block}.${++this.#next}`;
    const event = { ...appears(slice(`shop/web-a http:8080/tcp ${address}@node-c`)), time: timeAt(60) };
    const offset = this.#append(event);
    this.#append(commitOf(offset));
    return { address, offset };
  }

  /** Begins a segment. Of those before it, retention keeps so many bytes. */
  rotate(bytes: number): void {
    writeSnapshot(this.#writer, snapshotLines(this.#state), { bytes, milliseconds: Infinity });
  }

  #append(record: LedgerRecord): Offset {
    const offset = this.#writer.append([record]);
    foldRecord(this.#state, offset, record);
    return offset;
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }
}
