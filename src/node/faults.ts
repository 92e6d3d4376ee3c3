// What is done about faults that nothing caught: each is counted; at a bounded rate they are logged and written to the
// ledger, as a gap of no records; and where the engine may be between two states the loop is ended, to start again.

import type { GapRecord } from "../ledger/record.ts";
import { FAULTS_WAITING_MAX } from "../limits.ts";
import type { ConditionMetrics, FaultKind } from "../serve/condition_metrics.ts";
import { type Fault, LastResort } from "./last_resort.ts";
import { log } from "./log.ts";

/** Appends a record to the ledger of the loop that runs. */
type Append = (record: GapRecord) => void;

/** One a process; dispose of it to listen no more. */
export class Faults implements Disposable {
  readonly #lastResort: LastResort;
  /** For the next loop's ledger. */
  #unrecorded: GapRecord[] = [];
  #append: Append | undefined;
  #broken = new AbortController();

  constructor(readonly metrics: Pick<ConditionMetrics, "faulted">) {
    this.#lastResort = new LastResort((fault, noted) => this.#take(fault, noted));
  }

  /** A loop runs, whose ledger takes records. Returns what aborts when it must end. */
  attach(append: Append): AbortSignal {
    this.#append = append;
    this.#broken = new AbortController();
    const waiting = this.#unrecorded;
    this.#unrecorded = [];
    for (const record of waiting) append(record);
    return this.#broken.signal;
  }

  /** No loop runs. */
  detach(): void {
    this.#append = undefined;
  }

  /** Takes an error that was caught at the last moment. */
  note(kind: FaultKind, error: unknown): void {
    this.#lastResort.note(kind, error);
  }

  /** Takes what ended a loop; a fault that was noted already is not counted twice. */
  loopEnded(error: unknown): void {
    if (error !== this.#broken.signal.reason) this.note("loop", error);
  }

  [Symbol.dispose](): void {
    this.#lastResort[Symbol.dispose]();
  }

  #take(fault: Fault, noted: boolean): void {
    this.metrics.faulted(fault.kind);
    if (noted) this.#record(fault);
    if (fault.breaksEngine && this.#append !== undefined) this.#broken.abort(fault);
  }

  #record({ kind, text, stack, breaksEngine }: Fault): void {
    const response = breaksEngine ? "the loop starts again" : "the program goes on";
    log.error(`nothing caught this (${kind}): ${text}; ${response}${stack === "" ? "" : `\n${stack}`}`);
    const reason = `a fault of this program (${kind}): ${text}; ${response}`;
    const record: GapRecord = { kind: "gap", time: new Date().toISOString(), reason, records: 0 };
    if (breaksEngine || this.#append === undefined) return this.#keep(record);
    try {
      this.#append(record);
    } catch {
      this.#keep(record);
    }
  }

  /** Those beyond the bound are in the log alone. */
  #keep(record: GapRecord): void {
    if (this.#unrecorded.length < FAULTS_WAITING_MAX) this.#unrecorded.push(record);
  }
}
