// Counts connections for the metrics, where the configuration asks for it: reads the counters of the kernel in pieces when a
// scraper asks, and takes from the monitor what deleted elements had counted. While no scraper asks, nothing is read.

import { REFUSING_MAPS, skeleton, TABLE } from "../fold/skeleton.ts";
import { missingForCounting } from "../kernel/capabilities.ts";
import { type CountedMap, CounterReader } from "../kernel/element_counts.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { DeletionCounter, RulesetMonitor } from "../kernel/ruleset_monitor.ts";
import { ERRNO, SystemError } from "../kernel/system_error.ts";
import { DEFAULT_PROXY_CONFIG } from "../kube/proxy_config.ts";
import type { Family } from "../nft/data_type.ts";
import { type ElementCount, type SetPath, setPath, splitSetPath } from "../nft/ruleset.ts";
import type { Transaction } from "../nft/transaction.ts";
import { within } from "../pause.ts";
import { type ConnectionSeries, ConnectionTally } from "../serve/connection_tally.ts";
import { log } from "./log.ts";

/** So many milliseconds of a reading are done at a time, and what is left of the datagram that was begun. */
const PIECE_MILLISECONDS = 5;
/** Least time between two readings, in milliseconds, and how many times as long as the last one it is at least: a twentieth of a core. */
const PAUSE_MILLISECONDS = 1000;
const PAUSE_FACTOR = 20;
/** Longest time for which a scrape waits for a reading, in milliseconds; later it gets what is known. */
const WAIT_MILLISECONDS = 2000;

let counted: ReadonlyMap<SetPath, CountedMap> | undefined;

/** The maps with counters of both families, by path. They are made when they are first asked for: few nodes count. */
export function countedMaps(): ReadonlyMap<SetPath, CountedMap> {
  return counted ??= new Map(
    skeleton({ ...DEFAULT_PROXY_CONFIG, countConnections: true }).flatMap(({ family, sets }) =>
      sets.flatMap((definition) => {
        if (definition.kind !== "map" || !definition.counter) return [];
        const path = setPath(family, TABLE, definition.name);
        return [[path, { family, path, definition }] as const];
      })
    ),
  );
}

/** Whether the kernel can count connections; logs why not. */
export function canCount(kernel: Kernel): boolean {
  const missing = missingForCounting(kernel);
  if (missing !== undefined) log.error(`connections cannot be counted here: ${missing.problem}`);
  return missing === undefined;
}

/** Where counters are read. */
type Reader = Pick<CounterReader, "partsBeside" | "waiting"> & Disposable;

/** What counting needs. */
export interface CountingPorts {
  /** Whether the rules in force count. */
  isOn(): boolean;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Opens a reader of the kernel's counters. */
  open(): Reader;
  /** Receives why counters could not be read. */
  failed(reason: string): void;
}

/** The sums of one process. They begin at 0 with it, as those of every program; what the kernel's elements had counted before is not in them. */
export class ConnectionCounting implements DeletionCounter {
  readonly #tally = new ConnectionTally((map) =>
    REFUSING_MAPS.has(splitSetPath(map).name) ? "refused" : "served"
  );
  #monitor: Pick<RulesetMonitor, "receive"> | undefined;
  #reading: Promise<void> | undefined;
  /** When the next reading may begin. */
  #nextAt = 0;
  #hasBegun = false;

  constructor(readonly ports: CountingPorts) {}

  /** The loop begins, with this monitor, and commits its first batch; `adopted`: the kernel has rules of an earlier process. */
  begin(monitor: Pick<RulesetMonitor, "receive">, adopted: boolean): void {
    this.#monitor = monitor;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (!isFirst) return this.#tally.missed();
    if (!adopted || !this.isOn) return;
    this.#tally.beginAfterOther();
    // The first batch is committed before this turn of the loop ends: it may replace all that would be read.
    queueMicrotask(() => void this.#refresh());
  }

  /** Rules are about to be committed that may count where those before did not: the monitor must receive what our commits delete. */
  configured(): void {
    this.#monitor?.receive();
  }

  /** The loop ends, and its monitor. */
  end(): void {
    this.#monitor = undefined;
  }

  get isOn(): boolean {
    return this.ports.isOn();
  }

  map(family: Family, name: string): CountedMap | undefined {
    return this.isOn ? countedMaps().get(setPath(family, TABLE, name)) : undefined;
  }

  deleted(counts: readonly ElementCount[]): void {
    this.#tally.deleted(counts);
  }

  added(counts: readonly ElementCount[]): void {
    this.#tally.added(counts);
  }

  setDeleted(family: Family, name: string): void {
    this.#tally.mapDeleted(setPath(family, TABLE, name));
  }

  lost(): void {
    this.#tally.missed();
  }

  /** A batch was committed of which no notices come. Those that wait are of changes before it, and of elements that it deleted again. */
  unnoticed(transaction: Transaction): void {
    this.#monitor?.receive();
    this.#tally.unnoticed(transaction);
  }

  /** The series for a scrape, after a reading where one is due; undefined where nothing counts. */
  async series(): Promise<ConnectionSeries | undefined> {
    if (!this.isOn) return undefined;
    await within(this.#refresh(), WAIT_MILLISECONDS);
    this.#monitor?.receive();
    return this.#tally.series();
  }

  /** Begins a reading where one is due; resolves when the one under way is over. It never rejects. */
  #refresh(): Promise<void> {
    if (this.#reading === undefined && this.ports.now() < this.#nextAt) return Promise.resolve();
    return this.#reading ??= this.#read().catch((error) => this.#fail(error)).finally(() => {
      this.#reading = undefined;
    });
  }

  /** Where there are no tables, there is nothing to count. */
  #fail(error: unknown): void {
    this.#nextAt = this.ports.now() + PAUSE_MILLISECONDS;
    if (error instanceof SystemError && error.errno === ERRNO.ENOENT) return;
    this.ports.failed(error instanceof Error ? error.message : String(error));
  }

  /** A reading takes its time from the loop in pieces; the pause after it follows from how long all of it took. */
  async #read(): Promise<void> {
    const begun = this.ports.now();
    const reader = this.ports.open();
    try {
      for (const map of countedMaps().values()) {
        await this.#readMap(reader, map);
      }
      this.#tally.endReading();
    } finally {
      reader[Symbol.dispose]();
    }
    const end = this.ports.now();
    this.#nextAt = end + Math.max(PAUSE_MILLISECONDS, PAUSE_FACTOR * (end - begun));
  }

  /** Also where a reading fails, it ends: what was in doubt before it still is. */
  async #readMap(reader: Reader, map: CountedMap): Promise<void> {
    let isWhole = false;
    this.#tally.beginMap(map.path);
    try {
      isWhole = await this.#takeParts(reader, map);
    } finally {
      this.#tally.endMap(isWhole);
    }
  }

  /** Returns whether no change came between the parts. */
  async #takeParts(reader: Reader, map: CountedMap): Promise<boolean> {
    let isWhole = true;
    let begun = this.ports.now();
    for (const part of reader.partsBeside(map)) {
      if (part === undefined) await reader.waiting;
      else {
        // What was deleted before this part was taken must not come back by it.
        this.#monitor?.receive();
        this.#tally.take(part.counts);
        isWhole &&= !part.interrupted;
        if (this.ports.now() - begun < PIECE_MILLISECONDS) continue;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      begun = this.ports.now();
    }
    return isWhole;
  }
}
