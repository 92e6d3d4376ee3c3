// How long changes took to become rules, from three times that a ledger has: when the change began (of EndpointSlices alone, as their
// controller says), when its event arrived, when the kernel acknowledged the commit.

import type { JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import type { Past } from "./past.ts";
import { rfc3339 } from "./time_expression.ts";
import type { Span } from "./window.ts";

/** A part of the way from a change to its rules. */
export type Stage = "trigger to arrival" | "arrival to commit" | "trigger to commit";

/** The latencies of one stage, in milliseconds; absent values where nothing was measured. */
export interface StageLatency {
  /** Which part of the way. */
  readonly stage: Stage;
  /** How many changes were measured. */
  readonly count: number;
  /** The median, in milliseconds. */
  readonly p50: number | null;
  /** The 99th percentile, in milliseconds. */
  readonly p99: number | null;
  /** The slowest, with its event. */
  readonly worst: WorstLatency | null;
}

/** The slowest change of a stage. */
export interface WorstLatency {
  /** How long it took. */
  readonly milliseconds: number;
  /** Offset of the event. */
  readonly offset: number;
  /** Offset of the commit that brought it to the kernel. */
  readonly commit: number | null;
  /** RFC 3339, when the event arrived. */
  readonly time: string;
  /** `EndpointSlice shop/web-a`. */
  readonly what: string;
  /** `namespace/name`. */
  readonly service: string;
}

/** The latencies in a range of records. */
export interface Latency {
  /** Offset of the first record of the range. */
  readonly from: number;
  /** Offset of its last record. */
  readonly through: number;
  /**
   * `played`: a recording was played into the ledger, so that arrivals and commits have two clocks. Then only "trigger to arrival" is
   * measured.
   */
  readonly clock: "one" | "played";
  /** Each stage, in the order of the way. */
  readonly stages: readonly StageLatency[];
}

/** What is known of one stage. */
interface Measured {
  readonly milliseconds: number[];
  worst: WorstLatency | null;
}

/** An event can wait in the inbox while earlier batches are committed: at most so long before its record is appended. */
const WAITING_MILLISECONDS_MAX = 60_000;
const STAGES: readonly Stage[] = ["trigger to arrival", "arrival to commit", "trigger to commit"];

/** The latencies of the changes in `span`; with `service` only of its changes. Events that changed no rule are not counted. */
export function latencyIn(past: Past, span: Span, service?: string): Latency {
  const measured = new Map(
    STAGES.map((stage): [Stage, Measured] => [stage, { milliseconds: [], worst: null }]),
  );
  let waiting: JournalEntry[] = [];
  let [started, committed, played] = [Infinity, -Infinity, false];
  for (const entry of journalFrom(past, span.from, span.through, { service, details: false })) {
    const { kind, time, trigger, effect, commit, offset, waited } = entry;
    if (kind === "event") {
      // Triggers from before the first event of the range are left out: a first list has objects of any age. Changes while the program
      // stood still later count: their rules were late.
      started = Math.min(started, time);
      if (time < committed - WAITING_MILLISECONDS_MAX) played = true;
    }
    if ((kind === "event" || waited !== undefined) && effect && entry.object !== "") {
      if (trigger >= started) {
        measure(measured.get("trigger to arrival")!, entry, arrival(entry) - trigger, null);
      }
      waiting.push(entry);
    }
    if (commit === undefined || !commit.accepted) continue;
    committed = Math.max(committed, time);
    for (const change of waiting) {
      if (change.offset > commit.through) continue;
      measure(measured.get("arrival to commit")!, change, time - arrival(change), offset);
      if (change.trigger >= started) {
        measure(measured.get("trigger to commit")!, change, time - change.trigger, offset);
      }
    }
    waiting = waiting.filter((one) => one.offset > commit.through);
  }
  const stages = STAGES.map((stage) =>
    summedUp(
      stage,
      played && stage !== "trigger to arrival" ? { milliseconds: [], worst: null } : measured.get(stage)!,
    )
  );
  return { ...span, clock: played ? "played" : "one", stages };
}

/** When the event arrived that made a change: a step may have made the rules later. */
function arrival({ waited, time }: JournalEntry): number {
  return waited?.time ?? time;
}

function measure(stage: Measured, entry: JournalEntry, milliseconds: number, commit: number | null): void {
  stage.milliseconds.push(milliseconds);
  if (stage.worst !== null && stage.worst.milliseconds >= milliseconds) return;
  const { waited, offset, object, service } = entry;
  stage.worst = {
    milliseconds,
    offset: waited?.offset ?? offset,
    commit,
    time: rfc3339(arrival(entry)),
    what: object,
    service,
  };
}

function summedUp(stage: Stage, { milliseconds, worst }: Measured): StageLatency {
  const sorted = milliseconds.sort((a, b) => a - b);
  return { stage, count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), worst };
}

/** The smallest of `sorted` that at least the share `rank` (0 to 1) of them does not exceed; null where there is none. */
function quantile(sorted: readonly number[], rank: number): number | null {
  return sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? null;
}
