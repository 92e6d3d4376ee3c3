// A ledger whose records other threads write. It executes what the handoff decides.

import type { Counters } from "./counters.ts";
import {
  type HandoffEffect,
  handoffFailure,
  type HandoffInput,
  handoffNext,
  type HandoffState,
  stepHandoff,
  unwritten,
  waitsForDisk,
} from "./handoff.ts";
import type { Ledger, LedgerFailure } from "./ledger.ts";
import { type LedgerRecord, type Offset, offsetOf } from "./record.ts";
import { WRITTEN_WAIT_MILLISECONDS } from "../limits/ledger.ts";
import { within } from "../pause.ts";
import type { Retention } from "./retention.ts";
import { type Place, snapshotPieces } from "./snapshot.ts";
import type { DiskRequest } from "./disk_messages.ts";

/** The way to the writer. */
export interface DiskLink {
  /** As they are now. */
  counters(): Pick<Counters, "written" | "durable" | "bytes">;
  /** Blocks until `reached`, at most so many milliseconds; false where it is not reached. */
  wait(reached: () => boolean, milliseconds: number): boolean;
  /** Resolves once {@link wait} can wait for what the disk does; undefined where it can. */
  readonly away: Promise<void> | undefined;
  /** Whether the writer has nothing left to do. */
  readonly isIdle: boolean;
  /** Sends `request`; one that can wait goes with the next one, or after a moment. */
  post(request: DiskRequest, canWait?: boolean): void;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Opens the ledger again as soon as possible, and starts the loop again from it. */
  reopen(): void;
}

/** What a ledger that is opened again does not have. */
export interface Omission {
  /** Why, for people. */
  readonly reason: string;
  /** How many records were folded and are not in the ledger. */
  readonly records: number;
}

/** Hands records to the writer. */
export class RemoteLedger implements Ledger {
  readonly #state: HandoffState;
  readonly #link: DiskLink;

  constructor(state: HandoffState, link: DiskLink) {
    this.#state = state;
    this.#link = link;
  }

  get ledger(): string {
    return this.#state.encoder.ledger;
  }

  get next(): Offset {
    return offsetOf(handoffNext(this.#state));
  }

  /** Place after the last record. Where records were left out, there is a {@link failure}, and it is the place before those. */
  get place(): Place {
    return this.#state.encoder.place;
  }

  get durable(): number {
    this.#look();
    return this.#state.progress.durable;
  }

  get failure(): LedgerFailure | undefined {
    this.#look();
    return handoffFailure(this.#state, this.#link.now());
  }

  get tailBytes(): number {
    return this.#state.tailBytes;
  }

  /** Whether everything is written and the disk works. */
  get caughtUp(): boolean {
    return this.failure === undefined && unwritten(this.#state) === 0;
  }

  /** What of the records is not in the ledger; undefined where all are. */
  get omission(): Omission | undefined {
    this.#look();
    const { lost, leftOut } = this.#state;
    if (lost === undefined && leftOut === 0) return undefined;
    return {
      reason: lost ?? "the disk was too slow for what may wait in memory",
      records: unwritten(this.#state),
    };
  }

  append(records: readonly LedgerRecord[]): Offset {
    this.#look();
    const first = this.next;
    this.#run({ kind: "append", records });
    return first;
  }

  ready(): Promise<void> | undefined {
    this.#look();
    this.#run({ kind: "turn" });
    if (!waitsForDisk(this.#state) || this.#link.isIdle) return undefined;
    // What is queued behind a call for which this thread can wait may answer through the loop.
    this.#link.wait(() => this.#link.isIdle || this.#link.away !== undefined, WRITTEN_WAIT_MILLISECONDS);
    const { away } = this.#link;
    return away && within(away, WRITTEN_WAIT_MILLISECONDS);
  }

  awaitWritten(): void {
    this.#look();
    this.#run({ kind: "await-written" });
  }

  sync(): void {
    this.#look();
    this.#run({ kind: "sync" });
  }

  /** The writer reported something about the disk, or that the session has ended, or that no other one begins. */
  note(input: HandoffInput & { readonly kind: "disk" | "lost" | "refused" }): void {
    this.#run(input);
  }

  /** Begins a snapshot after the records so far; the caller then sends its pieces. */
  beginSnapshot(lines: Iterable<unknown>): Generator<string> {
    const { place } = this.#state.encoder;
    this.#run({ kind: "snapshot" });
    this.#link.post({ kind: "snapshot", place });
    return snapshotPieces(place, lines);
  }

  /** Sends a piece of the snapshot. */
  sendPiece(text: string): void {
    this.#link.post({ kind: "piece", text });
  }

  /** All pieces are sent. */
  endSnapshot(retention: Retention): void {
    this.#link.post({ kind: "snapshot-end", retention });
  }

  /** While the disk refuses records: has the writer remove what is beyond `retention`, where it is full. */
  freeRoom(retention: Retention): void {
    this.#look();
    const { reason, lost, encoder } = this.#state;
    // A request that waits in front of a call that hangs is not followed by another one.
    if (reason === undefined || lost !== undefined || !this.#link.isIdle) return;
    this.#link.post({ kind: "free-room", retention, age: encoder.place.age });
  }

  #isReached({ next, durable }: HandoffEffect & { readonly kind: "wait" }): boolean {
    const counters = this.#link.counters();
    return (durable ? counters.durable : counters.written) >= next;
  }

  #look(): void {
    const { written, durable, bytes } = this.#link.counters();
    const { progress } = this.#state;
    const same = written === progress.written && durable === progress.durable && bytes === progress.bytes;
    if (!same) this.#run({ kind: "progress", progress: { written, durable, bytes } });
  }

  #run(input: HandoffInput): void {
    for (const effect of stepHandoff(this.#state, input, this.#link.now())) {
      switch (effect.kind) {
        case "post":
          this.#link.post(effect.request, effect.canWait);
          break;
        case "wait": {
          const inTime = this.#link.wait(() => this.#isReached(effect), effect.milliseconds);
          this.#look();
          this.#run({ kind: "waited", late: !inTime });
          break;
        }
        case "reopen":
          this.#link.reopen();
      }
    }
  }
}
