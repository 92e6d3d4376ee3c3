// A proxy at work, as a state with deadlines. Batches of the source go to the kernel as they come. Between them the healer's effects
// are executed, steps and pieces of a comparison are made, flows are forgotten, and appended records are made durable. All of it is
// synchronous and receives the time from its caller: the loop (loop.ts), or a simulation.

import { isUnfinished } from "../fold/unfinished.ts";
import type { SourceBatch } from "../ingest/source.ts";
import { secondAfter } from "../second.ts";
import type { EngineState } from "./engine_state.ts";
import { perform, tryCommit } from "./executor.ts";
import { forgetsAt, type Forgetting, forgetWhereDue, gatherFlows, newForgetting } from "./forgetting.ts";
import {
  type HealerEffect,
  type HealerInput,
  type HealerState,
  healerWakesAt,
  newHealer,
  type OpenDrift,
  openDrift,
  stepHealer,
} from "./healer.ts";
import { isListed } from "./kernel_tables.ts";
import type { Ports } from "./ports.ts";
import { beginComparison, beginRepair, comparePiece, type ComparisonState, newComparison } from "./repair.ts";

/** Pause before a step (`fold/steps.ts`), in milliseconds: requests are answered and changes taken in between. */
export const STEP_PAUSE_MILLISECONDS = 5;

/** The engine with its ports, and the deadlines between batches. Changed in place. */
export interface RunningProxy {
  readonly engine: EngineState;
  readonly ports: Ports;
  readonly healer: HealerState;
  /** Flows that are to be forgotten. */
  readonly forgetting: Forgetting;
  /** Of the kernel with what was committed. */
  readonly comparison: ComparisonState;
  /** When appended records are next made durable: once a second. */
  syncAt: number;
  /** When more of the last list is taken; Infinity where nothing is left of it. */
  takeAt: number;
  /** When the next step is made; Infinity where none is left. */
  stepAt: number;
  /** Whether the ledger cannot be written, as last given to {@link Ports.ledgerChanged}. */
  failing: boolean;
  /** As last given to {@link Ports.driftChanged}. */
  drift: OpenDrift | undefined;
}

/** The proxy after its first commit was tried. All times `now` are milliseconds of one clock that never goes back. */
export function newRunningProxy(engine: EngineState, ports: Ports, now: number): RunningProxy {
  const healer = newHealer(ports.monitor !== undefined, isListed(engine.tables), now);
  const forgetting = newForgetting();
  const running: RunningProxy = {
    engine,
    ports: { ...ports, gatherFlows: (effect) => gatherFlows(forgetting, effect) },
    healer,
    forgetting,
    comparison: newComparison(),
    syncAt: secondAfter(now),
    takeAt: Infinity,
    stepAt: Infinity,
    failing: false,
    drift: undefined,
  };
  // A commit that the kernel rejected at the start is retried.
  heal(running, { kind: "tried", rejected: engine.rejections > 0 }, now);
  planStep(running, now);
  forget(running, now);
  return running;
}

/**
 * Appends a batch of the source and commits what it changes. Of a list that changes much it takes a portion, and {@link wake} the others;
 * what is left when another batch comes is taken before it.
 */
export function takeBatch(running: RunningProxy, batch: SourceBatch, now: number): void {
  const { engine, ports } = running;
  if (isTaking(running)) perform(engine, ports, { kind: "untaken", all: true });
  perform(engine, ports, { kind: "batch", batch });
  commitTaken(running, now);
}

function commitTaken(running: RunningProxy, now: number): void {
  const { engine, ports } = running;
  running.takeAt = engine.untaken.length > 0 ? now : Infinity;
  heal(running, tryCommit(engine, ports), now);
  planStep(running, now);
  forget(running, now);
  lookAtLedger(running);
}

/** The next deadline: before it, {@link wake} does nothing. */
export function wakeAt({ healer, forgetting, comparison, syncAt, stepAt, takeAt }: RunningProxy): number {
  return Math.min(healerWakesAt(healer), forgetsAt(forgetting), syncAt, stepAt, takeAt, comparison.dueAt);
}

/** Whether a part of the last list is not taken yet. */
export function isTaking({ takeAt }: RunningProxy): boolean {
  return takeAt < Infinity;
}

/** Whether rules are still being made in steps. */
export function isStepping({ stepAt }: RunningProxy): boolean {
  return stepAt < Infinity;
}

/** The monitor announces that other programs may have changed our tables: {@link wakeAt} may be earlier than before. */
export function notice(running: RunningProxy, now: number): void {
  heal(running, { kind: "noticed" }, now);
}

/** Does what is due at `now`. */
export function wake(running: RunningProxy, now: number): void {
  if (healerWakesAt(running.healer) <= now) heal(running, { kind: "woken" }, now);
  if (running.takeAt <= now) {
    perform(running.engine, running.ports, { kind: "untaken" });
    commitTaken(running, now);
  }
  if (running.stepAt <= now) {
    running.stepAt = Infinity;
    heal(running, makeStep(running), now);
  }
  if (running.comparison.dueAt <= now) {
    for (const input of comparePiece(running, now)) heal(running, input, now);
  }
  planStep(running, now);
  forget(running, now);
  if (now < running.syncAt) return;
  running.syncAt = secondAfter(now);
  running.ports.ledger.sync();
  lookAtLedger(running);
}

/**
 * Makes one step, and commits what it changed: the next change of another Service must not carry it. Where the kernel takes only
 * a part of a batch, the rest waits for the next step.
 */
function makeStep({ engine, ports }: RunningProxy): HealerInput {
  const tried = tryCommit(engine, ports, true);
  return engine.rejections > 0 || engine.halving !== undefined ? tried : tryCommit(engine, ports);
}

function forget({ forgetting, engine, ports }: RunningProxy, now: number): void {
  forgetWhereDue(forgetting, engine.cluster, ports, now);
}

/** Plans the next step. While the kernel rejects commits there is none: their retry comes first. */
function planStep(running: RunningProxy, now: number): void {
  const { cluster, touched, synced, rejections } = running.engine;
  const due = synced && rejections === 0 && (isUnfinished(cluster) || touched.size > 0);
  if (!due) running.stepAt = Infinity;
  else if (!isStepping(running)) running.stepAt = now + STEP_PAUSE_MILLISECONDS;
}

/** Passes `input` to the healer, executes its effects, and passes their results back. */
function heal(running: RunningProxy, input: HealerInput, now: number): void {
  for (const effect of stepHealer(running.healer, input, now)) {
    for (const result of executeHealing(effect, running, now)) heal(running, result, now);
  }
  const drift = openDrift(running.healer);
  if (sameDrift(drift, running.drift)) return;
  running.drift = drift;
  const wall = Date.parse(running.ports.now()) - now;
  running.ports.driftChanged?.(
    drift && {
      ...drift,
      since: drift.since + wall,
      putBackAt: drift.putBackAt && drift.putBackAt + wall,
    },
  );
}

function sameDrift(a: OpenDrift | undefined, b: OpenDrift | undefined): boolean {
  return a?.since === b?.since && a?.putBackAt === b?.putBackAt && a?.process === b?.process &&
    a?.pid === b?.pid && a?.changes.length === b?.changes.length;
}

function executeHealing(effect: HealerEffect, running: RunningProxy, now: number): readonly HealerInput[] {
  const { engine, ports } = running;
  switch (effect.kind) {
    case "poll":
      return [{ kind: "polled", received: ports.monitor!.poll() }];
    case "compare":
      return beginComparison(running, now);
    case "drift":
      ports.meter?.drifted(effect.process);
      perform(engine, ports, { ...effect, time: ports.now() });
      return [];
    case "heal":
      return beginRepair(running, now);
    case "commit":
      // The rejected commit may have had nothing but the place for a step.
      return [tryCommit(engine, ports, true)];
  }
}

function lookAtLedger(running: RunningProxy): void {
  const { failure, durable } = running.ports.ledger;
  if (durable - 1 !== running.engine.durableOffset) {
    perform(running.engine, running.ports, { kind: "durable", offset: durable - 1 });
  }
  if (running.failing === (failure !== undefined)) return;
  running.failing = failure !== undefined;
  running.ports.ledgerChanged?.(failure);
}
