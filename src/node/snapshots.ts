// Makes snapshots of the state while the loop runs: in pieces, between which batches and steps are taken.

import { newPace, notePiece } from "../engine/pace.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { snapshotInSteps, type SnapshotState, snapshotState } from "../fold/snapshot.ts";
import { isUnfinished } from "../fold/unfinished.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { RemoteLedger } from "../ledger/remote_ledger.ts";
import { SNAPSHOT_MILLISECONDS, SNAPSHOT_STOP_BYTES, SNAPSHOT_TAIL_BYTES } from "../limits/ledger.ts";
import { retention, type RunOptions } from "./run_options.ts";

/** How often old segments are removed while a disk has no room. Each look asks for the size of every file. */
const FREE_ROOM_MILLISECONDS = 60_000;

/**
 * Makes the snapshots of one run of the loop. A snapshot costs what the cluster has, and a tenant who changes much can make one due
 * every second: so they take at most half of the time, and a tenth of it overall.
 */
export class Snapshots {
  #last = performance.now();
  #roomFreed = -Infinity;
  #running: Promise<void> | undefined;
  readonly #pace = newPace();
  /** Set once nothing else needs the loop. */
  #ending = false;

  /** `signs` makes a checkpoint: a segment ends with one. */
  constructor(
    readonly cluster: () => ClusterState,
    readonly ledger: Ledger,
    readonly options: RunOptions,
    readonly signs: () => void,
  ) {}

  /** Whether a snapshot is being made. */
  get isMaking(): boolean {
    return this.#running !== undefined;
  }

  /**
   * To be called every second. Old segments go after a snapshot, and none is made while the disk fails. So a disk that has no room would
   * never get any.
   */
  freeRoom(): void {
    const now = performance.now();
    if (!(this.ledger instanceof RemoteLedger) || this.ledger.failure === undefined) return;
    if (now - this.#roomFreed < FREE_ROOM_MILLISECONDS) return;
    this.#roomFreed = now;
    this.ledger.freeRoom(retention(this.options));
  }

  /** Begins a snapshot where one is due. It is made in small steps, so that batches do not wait for it. */
  takeWhereDue(): void {
    const { tailBytes, failure } = this.ledger;
    const cluster = this.cluster();
    // A snapshot has no elements. They follow from the objects only when no step is left.
    if (isUnfinished(cluster)) return;
    const now = performance.now();
    const due = tailBytes > SNAPSHOT_TAIL_BYTES || now - this.#last > SNAPSHOT_MILLISECONDS;
    if (!due || now < this.#pace.nextAt || failure !== undefined || this.#running !== undefined) return;
    this.#last = now;
    this.signs();
    this.#running = this.#sendKept(snapshotState(cluster)).finally(() => this.#running = undefined);
  }

  async #sendKept(state: SnapshotState & Disposable): Promise<void> {
    try {
      await this.#send(state);
    } finally {
      state[Symbol.dispose]();
      notePiece(this.#pace, 0, true, performance.now());
    }
  }

  /** Sends a snapshot of `state` to the writer of the ledger, in pieces that take a few milliseconds each. */
  async #send(state: SnapshotState): Promise<void> {
    if (!(this.ledger instanceof RemoteLedger)) return;
    let begun = performance.now();
    for (const piece of this.ledger.beginSnapshot(snapshotInSteps(state))) {
      if (piece !== "") this.ledger.sendPiece(piece);
      const now = performance.now();
      notePiece(this.#pace, now - begun, false, now);
      if (!this.#ending) await new Promise((resolve) => setTimeout(resolve, this.#pace.nextAt - now));
      // What was sent of it is dropped with the next one.
      if (this.ledger.failure !== undefined) return;
      begun = performance.now();
    }
    this.ledger.endSnapshot(retention(this.options));
  }

  /** Waits for the snapshot that is under way, and makes a last one where that saves the next start much reading. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#running;
    const cluster = this.cluster();
    const { tailBytes, failure } = this.ledger;
    if (tailBytes <= SNAPSHOT_STOP_BYTES || failure !== undefined || isUnfinished(cluster)) return;
    await this.#send(cluster);
  }
}
