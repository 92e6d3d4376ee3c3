// Signs the ledger of a running node: a checkpoint after so many records or so long, and one at the end. The records of the last
// minute may be unsigned. Files of keys are written by threads of the runtime, so that no batch waits for the disk.

import { checkpointRecord, type SignedSnapshot } from "../ledger/checkpoint.ts";
import type { LedgerHead } from "../ledger/head.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { isStorageFailure } from "../ledger/storage.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Place } from "../ledger/snapshot.ts";
import {
  CHECKPOINT_END_MILLISECONDS_MAX,
  CHECKPOINT_MILLISECONDS,
  CHECKPOINT_RECORDS,
  HEAD_MILLISECONDS,
} from "../limits/ledger.ts";
import { failureText } from "../serve/problems.ts";
import { within } from "../pause.ts";
import { messageOf } from "../thrown.ts";
import { type CheckpointKey, CheckpointKeys, type CheckpointKeySource } from "./checkpoint_keys.ts";
import { lastCheckpoint } from "./last_checkpoint.ts";
import { log } from "./log.ts";
import { type OutsideKey, OutsideKeys } from "./outside_key.ts";
import { snapshotHashes } from "./snapshot_hashes.ts";

/** What signing needs of a ledger. */
export type SignedLedger = Pick<Ledger, "ledger" | "next" | "durable" | "failure" | "sync"> & {
  /** Place after the last record. */
  readonly place: Place;
};

/** How often it is looked whether records are durable, in milliseconds, when the program ends. */
const LOOK_MILLISECONDS = 5;
/** After so many looks a sync is asked for again: a ledger takes none while one of earlier records is under way. */
const LOOKS_FOR_SYNC = 10;

/**
 * Makes the checkpoints of one run of the loop. `append` folds a record too; `now` is RFC 3339 with milliseconds, UTC; `publish`
 * receives heads that are durable, not often.
 */
export class Checkpoints {
  readonly #keys: CheckpointKeySource;
  #current: CheckpointKey | undefined;
  #prepared: CheckpointKey | undefined;
  /** Offset of a checkpoint that may not be durable yet. */
  #pending: number | undefined;
  /** Place of the newest snapshot that was signed; at a start that of the newest one is not known, and it is signed again. */
  #snapshot: number | undefined;
  /** Offset behind the last checkpoint; what an earlier process left after it is signed soon after the start. */
  #signed = 0;
  #signedAt = performance.now();
  #working = Promise.resolve();
  /** How many pieces of work are not done. */
  #waiting = 0;
  #head: LedgerHead | undefined;
  #publishedAt = -Infinity;
  #failed = false;
  #stopped = false;

  constructor(
    readonly folder: string,
    readonly ledger: SignedLedger,
    readonly append: (record: LedgerRecord) => void,
    readonly now: () => string,
    readonly publish: (head: LedgerHead) => void,
    /** Resolves when no earlier run of the loop uses the keys. */
    readonly free: Promise<void> = Promise.resolve(),
    /** A key from outside; else keys are made, and erased once they have signed. */
    outside?: OutsideKey,
    /** As that of {@link CheckpointKeys}. */
    requireHeld?: () => Promise<void>,
  ) {
    const own = new CheckpointKeys(folder, ledger.ledger, requireHeld);
    this.#keys = outside === undefined ? own : new OutsideKeys(own, outside);
  }

  /** Takes the next step, unless one is under way. Call it once a second. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#waiting === 0) void this.#queue(() => this.#attempt(false));
  }

  /** Signs what is not signed yet where a key is ready, as before a segment ends. */
  signWhereReady(): void {
    const ready = this.#current !== undefined && this.#prepared !== undefined && this.#pending === undefined;
    if (ready && this.ledger.next > this.#signed) this.#sign(this.#current!, this.#prepared!, []);
  }

  /** Signs what is not signed yet, and waits until that is durable and its key erased: a bounded time, because a disk may hang. */
  async end(): Promise<void> {
    await within(this.#queue(() => this.#lastSteps()), CHECKPOINT_END_MILLISECONDS_MAX);
  }

  /** Runs `work` once the work before it is done: two steps at once would make two keys with one number. */
  #queue(work: () => Promise<void>): Promise<void> {
    this.#waiting++;
    return this.#working = this.#working.then(work, work).finally(() => this.#waiting--);
  }

  async #lastSteps(): Promise<void> {
    // Opens and prepares, signs, and erases.
    for (let steps = 3; steps > 0; steps--) await this.#attempt(true);
  }

  /** Signs nothing more, and waits for the step that is under way: another run of the loop may use the keys then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  /** One step. What the disk does not take is tried again by a later one. */
  async #attempt(ending: boolean): Promise<void> {
    try {
      await this.#step(ending);
      this.#failed = false;
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      if (!this.#failed) {
        log.warn(`no checkpoint can be signed: ${failureText({ reason: messageOf(error) })}`);
      }
      this.#failed = true;
    }
  }

  async #step(ending: boolean): Promise<void> {
    await this.free;
    this.#current ??= await this.#open();
    if (this.#pending !== undefined) {
      if (ending) await this.#makeDurable(this.#pending);
      if (this.ledger.durable > this.#pending) await this.#advance(this.#pending);
      return;
    }
    this.#prepared ??= await this.#keys.prepare(this.#current);
    const records = this.ledger.next - this.#signed;
    const due = ending || records >= CHECKPOINT_RECORDS ||
      performance.now() - this.#signedAt >= CHECKPOINT_MILLISECONDS;
    if (!due || records === 0) return;
    const snapshots = await snapshotHashes(this.folder, this.#snapshot);
    this.#snapshot ??= 0;
    // A segment that ended meanwhile has signed already.
    if (!this.#stopped && this.#pending === undefined) this.#sign(this.#current, this.#prepared, snapshots);
  }

  async #open(): Promise<CheckpointKey> {
    const { key, isNew, signed } = await this.#keys.open();
    this.#signed = signed;
    if (isNew) {
      log.info(
        `the ledger's checkpoints begin with this key, which an auditor keeps: ${key.signer.verifier}`,
      );
      return key;
    }
    const next = await this.#keys.prepared(key);
    if (next === undefined) return key;
    // The process before may have ended between a checkpoint and the erasure of its key: on a slow disk, long after it.
    const used = await lastCheckpoint(this.folder, signed);
    if (used?.number !== key.number) return key;
    await this.#keys.advance(used.next, next);
    this.#signed = used.next + 1;
    return next;
  }

  /** Waits until the record at `offset` is durable, unless the disk fails. */
  async #makeDurable(offset: number): Promise<void> {
    const { ledger } = this;
    for (let looks = 0; ledger.durable <= offset && ledger.failure === undefined && !this.#stopped; looks++) {
      if (looks % LOOKS_FOR_SYNC === 0) ledger.sync();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }

  #sign(
    { number, signer }: CheckpointKey,
    { signer: { verifier: nextKey } }: CheckpointKey,
    snapshots: readonly SignedSnapshot[],
  ): void {
    const { ledger, next, chain } = this.ledger.place;
    const said = { ledger, next, chain, time: this.now(), number, nextKey };
    this.append(checkpointRecord({ ...said, ...(snapshots.length === 0 ? {} : { snapshots }) }, signer));
    this.#snapshot = snapshots.at(-1)?.next ?? this.#snapshot;
    this.#pending = next;
    this.#head = { ledger, next, chain };
    this.#signed = this.ledger.next;
    this.#signedAt = performance.now();
  }

  async #advance(offset: number): Promise<void> {
    await this.#keys.advance(offset, this.#prepared!);
    this.#current = this.#prepared;
    this.#prepared = undefined;
    this.#pending = undefined;
    if (this.#head === undefined || performance.now() - this.#publishedAt < HEAD_MILLISECONDS) return;
    this.publish(this.#head);
    this.#publishedAt = performance.now();
  }
}
