// Takes the place of a ledger that cannot be opened. Records are counted, and none is kept: rules follow them all the same, and
// the ledger continues with a gap record once it can be opened.

import { randomBytes } from "node:crypto";
import type { Ledger, LedgerFailure } from "./ledger.ts";
import type { Omission } from "./remote_ledger.ts";
import { type LedgerRecord, type Offset, offsetOf } from "./record.ts";

/** A ledger without a disk. */
export class MemoryLedger implements Ledger {
  /** No folder has a ledger of this id, so that a later start recognises its rules as those of another one. */
  readonly ledger: string = randomBytes(8).toString("hex");
  readonly durable = 0;
  readonly tailBytes = 0;
  #next = 0;

  /** `reason`: why there is no disk, as it is now. */
  constructor(readonly reason: () => string) {}

  get next(): Offset {
    return offsetOf(this.#next);
  }

  get failure(): LedgerFailure {
    return { reason: this.reason(), records: this.#next };
  }

  /** All of it: see {@link Omission}. */
  get omission(): Omission {
    return this.failure;
  }

  append(records: readonly LedgerRecord[]): Offset {
    const first = this.next;
    this.#next += records.length;
    return first;
  }

  awaitWritten(): void {}

  sync(): void {}
}
