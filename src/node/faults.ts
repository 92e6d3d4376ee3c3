// Handles faults, the errors that nothing caught. Every fault is counted. At a bounded rate faults are logged and recorded in
// the ledger, as a gap of no records. Where a fault may have left the engine between two states, the loop ends and restarts.

import type { GapRecord } from "../ledger/record.ts";
import { FAULTS_WAITING_MAX } from "../limits/serving.ts";
import type { ConditionMetrics, FaultKind } from "../serve/condition_metrics.ts";
import { type Fault, LastResort } from "./last_resort.ts";
import { log } from "./log.ts";

/** Appends a record to the ledger of the running loop. */
type Append = (record: GapRecord) => void;

/** The faults of the process. Dispose of it to stop listening. */
export class Faults implements Disposable {
  readonly #lastResort: LastResort;
  /** Records that wait for the ledger of the next loop. */
  #unrecorded: GapRecord[] = [];
  #append: Append | undefined;
  #broken = new AbortController();

  constructor(readonly metrics: Pick<ConditionMetrics, "faulted">) {
    this.#lastResort = new LastResort((fault, noted) => this.#take(fault, noted));
  }

  /** Call it when a loop runs and its ledger takes records. The signal aborts when that loop must end. */
  attach(append: Append): AbortSignal {
    this.#append = append;
    this.#broken = new AbortController();
    const waiting = this.#unrecorded;
    this.#unrecorded = [];
    for (const record of waiting) append(record);
    return this.#broken.signal;
  }

  /** Call it when no loop runs. */
  detach(): void {
    this.#append = undefined;
  }

  /** Takes an error that only the last resort caught. */
  note(kind: FaultKind, error: unknown): void {
    this.#lastResort.note(kind, error);
  }

  /** Takes the error that ended a loop. A fault that was noted before is not counted again. */
  loopEnded(error: unknown): void {
    if (error !== this.#broken.signal.reason) this.note("loop", error);
  }

  [Symbol.dispose](): void {
    this.#lastResort[Symbol.dispose]();
  }

  /** Counts a fault, records it where its turn has come, and ends the loop where the engine may be broken. */
  #take(fault: Fault, noted: boolean): void {
    this.metrics.faulted(fault.kind);
    if (noted) this.#record(fault);
    if (fault.breaksEngine && this.#append !== undefined) this.#broken.abort(fault);
  }

  /** Logs a fault and writes it to the ledger. The ledger of a broken loop is not used: the record waits for the next loop. */
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

  /** Records beyond the bound are dropped: the log has their text. */
  #keep(record: GapRecord): void {
    if (this.#unrecorded.length < FAULTS_WAITING_MAX) this.#unrecorded.push(record);
  }
}
