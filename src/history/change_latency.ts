// How long changes took to become rules, from three times that a ledger has: when the change began (of EndpointSlices alone, as their
// controller says), when its event arrived, when the kernel acknowledged the commit.

import { INBOX_MILLISECONDS_MAX } from "../limits/input.ts";
import type { JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import type { Past } from "./past.ts";
import { ascending, percentile } from "./percentile.ts";
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

/** What is measured of one stage. */
interface Measured {
  readonly milliseconds: number[];
  worst: WorstLatency | null;
}

/** The latencies of the changes in `span`; with `service` only of its changes. Events that changed no rule are not counted. */
export function latencyIn(past: Past, span: Span, service?: string): Latency {
  const [toArrival, toCommit, all] = [nothing(), nothing(), nothing()];
  let waiting: JournalEntry[] = [];
  let [started, committed, played] = [Infinity, -Infinity, false];
  for (const entry of journalFrom(past, span.from, span.through, { service, details: false })) {
    const { kind, time, trigger, effect, commit, offset, waited } = entry;
    if (kind === "event") {
      // Triggers from before the first event of the range are left out: a first list has objects of any age. Changes while the program
      // stood still later count: their rules were late.
      started = Math.min(started, time);
      if (time < committed - INBOX_MILLISECONDS_MAX) played = true;
    }
    if ((kind === "event" || waited !== undefined) && effect && entry.object !== "") {
      if (trigger >= started) measure(toArrival, entry, arrival(entry) - trigger, null);
      waiting.push(entry);
    }
    if (commit === undefined || !commit.accepted) continue;
    committed = Math.max(committed, time);
    for (const change of waiting) {
      if (change.offset > commit.through) continue;
      measure(toCommit, change, time - arrival(change), offset);
      if (change.trigger >= started) measure(all, change, time - change.trigger, offset);
    }
    waiting = waiting.filter((one) => one.offset > commit.through);
  }
  return {
    ...span,
    clock: played ? "played" : "one",
    stages: [
      summedUp("trigger to arrival", toArrival),
      summedUp("arrival to commit", played ? nothing() : toCommit),
      summedUp("trigger to commit", played ? nothing() : all),
    ],
  };
}

function nothing(): Measured {
  return { milliseconds: [], worst: null };
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
  const sorted = ascending(milliseconds);
  const at = (rank: number) => percentile(sorted, rank) ?? null;
  return { stage, count: sorted.length, p50: at(0.5), p99: at(0.99), worst };
}
