// The disk of a simulated node. Its calls fail as the world decides, and after a power cut only a part of the bytes that were
// not synced is left.

import assert from "node:assert/strict";
import { readLedger } from "../../src/ledger/reader.ts";
import { type MemoryStorage, memoryStorage, storageError } from "../support/memory_storage.ts";
import type { Chance } from "./chance.ts";

const CALLS = ["write", "sync", "create", "truncate", "syncFolder"] as const;

export class Disk {
  storage: MemoryStorage = memoryStorage();
  /** Called before each call of the disk; may throw. */
  onCall: () => void = () => {};
  /** Until then it answers no call. */
  hangsUntil = 0;
  /** Whether records that rules follow may be lost with the process: since its start the disk failed, hung or was slow. */
  troubled = false;
  #failing = new Set<string>();
  /** All records that were ever durable, as text. */
  #durable: string[] = [];

  constructor() {
    this.#watch();
  }

  /** Some calls fail from now on. */
  fail(chance: Chance): void {
    this.#failing = new Set(chance.some(CALLS, 1 + chance.below(3)));
    this.troubled = true;
  }

  /** A process begins to write. */
  noteStart(): void {
    this.troubled = this.#failing.size > 0;
  }

  mend(): void {
    this.#failing.clear();
  }

  records(): string[] {
    return [...readLedger(this.storage)].map(({ record }) => JSON.stringify(record));
  }

  /** Notes that everything written is durable. */
  noteDurable(): void {
    this.#durable = this.records();
  }

  /** The end of the process; with a power cut only a part of the bytes that were not synced is left. */
  restart(power: boolean, chance: Chance): void {
    if (power) this.troubled = true;
    const left = memoryStorage(this.storage.files);
    for (const [name, bytes] of this.storage.files) {
      const synced = this.storage.synced.get(name) ?? 0;
      const keep = synced + chance.below(bytes.length - synced + 1);
      if (power) left.files.set(name, bytes.slice(0, keep));
      left.synced.set(name, Math.min(synced, bytes.length));
    }
    this.storage = left;
    this.#watch();
    this.mend();
  }

  /** The thread that held the lock has ended. */
  unlock(): void {
    const { storage } = this;
    this.storage = memoryStorage(storage.files);
    for (const [name, length] of storage.synced) this.storage.synced.set(name, length);
    this.#watch();
  }

  /** Replaces the disk by an empty one. */
  replace(): void {
    this.storage = memoryStorage();
    this.troubled = true;
    this.#durable = [];
    this.#watch();
  }

  /** Asserts that every record that was durable is there unchanged. */
  check(): void {
    assert.deepEqual(
      this.records().slice(0, this.#durable.length),
      this.#durable,
      "what was durable is there",
    );
  }

  #watch(): void {
    this.storage.fault = (call) => {
      this.onCall();
      if (this.#failing.has(call)) throw storageError("EIO");
    };
  }
}
