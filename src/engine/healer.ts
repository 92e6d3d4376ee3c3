// Puts our rules back when another program changes them: heard from the kernel within a fraction of a second, and looked
// for now and then, should something have gone unheard.

import { digestText, rulesetDigest } from "../plan/digest.ts";
import { separated } from "../nft/objects.ts";
import type { EngineState } from "./engine.ts";
import { healedAt, healingDelay, type Healings } from "./healing.ts";
import { commitBatch, list, perform, type Ports } from "./run_loop.ts";

/** How often the kernel's word is listened to. */
const POLL_MILLISECONDS = 100;
/** How often our tables are listed and compared; a listing of 60,000 elements takes a quarter of a second. */
const AUDIT_MILLISECONDS = 15 * 60_000;
/** When they are first, where a start has believed the kernel's generation: what was wrong before our last commit it hides. */
const FIRST_AUDIT_MILLISECONDS = 5000;

/** Runs until it is disposed of. */
export class Healer implements Disposable {
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #healings: Healings = [];
  /** Set while rules wait to be put back. */
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly state: EngineState, readonly ports: Ports) {
    if (ports.monitor === undefined) return;
    this.#timers.push(setInterval(() => this.#listen(), POLL_MILLISECONDS));
    this.#timers.push(setInterval(() => this.#audit(), AUDIT_MILLISECONDS));
    if (!state.listed) this.#timers.push(setTimeout(() => this.#audit(), FIRST_AUDIT_MILLISECONDS));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#waiting);
  }

  #listen(): void {
    const { foreign, lost } = this.ports.monitor!.poll();
    for (const { process, pid, changes } of foreign) this.#drift(process, pid, changes);
    if (lost && foreign.length === 0) this.#audit();
  }

  /** Finds what nobody heard of. */
  #audit(): void {
    const listed = list(this.ports.kernel);
    if (listed.kind === "listed") {
      const { tables, elements } = separated(listed.ruleset);
      const found = digestText(rulesetDigest(tables, elements));
      if (found === digestText(this.state.committedDigest)) return;
    }
    this.#drift("", 0, ["found by comparison"]);
  }

  #drift(process: string, pid: number, changes: readonly string[]): void {
    const { state, ports } = this;
    const delay = this.#waiting === undefined ? healingDelay(this.#healings, Date.now()) : 0;
    const response = this.#waiting !== undefined
      ? "rules wait to be put back"
      : delay === 0
      ? "rules are put back"
      : `that was too often: rules are put back in ${Math.ceil(delay / 1000)} s`;
    ports.meter?.drifted(process);
    perform(state, ports, { kind: "drift", process, pid, changes, response, time: ports.now() });
    if (this.#waiting !== undefined) return;
    if (delay === 0) this.#heal();
    else this.#waiting = setTimeout(() => this.#heal(), delay);
  }

  #heal(): void {
    const { state, ports } = this;
    this.#waiting = undefined;
    this.#healings = healedAt(this.#healings, Date.now());
    perform(state, ports, list(ports.kernel));
    commitBatch(state, ports);
  }
}
