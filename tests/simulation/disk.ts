// The disk of a simulated node: its calls fail when they are to, and a power cut leaves of what was not synced only a part.

import assert from "node:assert/strict";
import { readLedger } from "../../src/ledger/reader.ts";
import { type MemoryStorage, memoryStorage, storageError } from "../support/memory_storage.ts";
import type { Chance } from "./chance.ts";

const CALLS = ["write", "sync", "create", "truncate", "syncFolder"] as const;

export class Disk {
  storage: MemoryStorage = memoryStorage();
  /** Called before every call; may throw. */
  onCall: () => void = () => {};
  #failing = new Set<string>();
  /** Records that were durable once, as text. */
  #durable: string[] = [];

  constructor() {
    this.#watch();
  }

  /** Some calls fail from now on. */
  fail(chance: Chance): void {
    this.#failing = new Set(chance.some(CALLS, 1 + chance.below(3)));
  }

  mend(): void {
    this.#failing.clear();
  }

  records(): string[] {
    return [...readLedger(this.storage)].map(({ record }) => JSON.stringify(record));
  }

  /** Notes that everything written is on the disk. */
  noteDurable(): void {
    this.#durable = this.records();
  }

  /** What is left when the process ends; with a power cut, of what was not synced only a part. */
  restart(power: boolean, chance: Chance): void {
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

  /** Another disk takes its place, with nothing on it. */
  replace(): void {
    this.storage = memoryStorage();
    this.#durable = [];
    this.#watch();
  }

  /** Asserts that what was durable is there, and nothing else in its place. */
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
