// The writer of the ledger in a simulated process. Its messages arrive late and in parts, both ways; it stands still while the
// disk hangs; it may end, and a message to it may be lost.

import { DiskPair, type PairOptions } from "../support/disk_pair.ts";
import type { RemoteLedger } from "../../src/ledger/remote_ledger.ts";
import type { Chance } from "./chance.ts";
import type { Disk } from "./disk.ts";

/** Longest way of a message, in milliseconds. */
const DELAY_MILLISECONDS = 40;
/** Once in so many times the writer does not write in time. */
const SLOW = 100;

export class SimulatedWriter {
  readonly #pair: DiskPair;
  #dueAt = Infinity;

  /** Opens the ledger on `disk`, which must not hang. */
  constructor(
    readonly disk: Disk,
    readonly chance: Chance,
    readonly now: () => number,
    options: PairOptions,
  ) {
    this.#pair = new DiskPair(disk.storage, { ...options, now });
    this.#pair.answers = () => {
      const inTime = !this.#hangs && !chance.once(SLOW);
      if (!inTime) disk.troubled = true;
      return inTime;
    };
  }

  /** The ledger, opened. */
  open(): RemoteLedger {
    const ledger = this.#pair.open();
    if (typeof ledger === "string") throw new Error(ledger);
    return ledger;
  }

  /** Whether the ledger is to be opened again. */
  get reopens(): boolean {
    return this.#pair.reopened > 0;
  }

  /** When its next messages are executed or received. */
  wakeAt(): number {
    const { sent, received } = this.#pair;
    if (sent.length + received.length === 0) return this.#dueAt = Infinity;
    if (this.#dueAt === Infinity) this.#dueAt = this.now() + this.chance.below(DELAY_MILLISECONDS);
    return Math.max(this.#dueAt, this.disk.hangsUntil);
  }

  /** Executes and delivers some of the messages that wait. */
  wake(): void {
    const { sent, received } = this.#pair;
    this.#dueAt = Infinity;
    this.#pair.work(1 + this.chance.below(sent.length + 1));
    this.#pair.receive(this.chance.below(received.length + 2));
  }

  /** Ends in order: everything is on the disk, unless that hangs or fails. */
  close(): void {
    if (this.#hangs) return;
    this.#pair.post({ kind: "close" });
    this.#pair.work();
  }

  die(): void {
    this.#pair.die();
  }

  /** A message to the writer is lost; false where none is on its way. */
  loseMessage(): boolean {
    const { sent } = this.#pair;
    return sent.length > 0 && sent.splice(this.chance.below(sent.length), 1).length > 0;
  }

  get #hangs(): boolean {
    return this.now() < this.disk.hangsUntil;
  }
}
