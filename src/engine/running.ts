// A proxy at work. Batches of the source go to the kernel as they come. Between them the healer's deadlines are met, and
// appended records are made durable. Only `runLoop` waits: for the source, for the ledger, and with a timer. Everything else is
// synchronous and receives the time from its caller, which may be a simulation.

import { portions } from "../ingest/portions.ts";
import type { KnownVersions, Source, SourceBatch } from "../ingest/source.ts";
import type { ObjectKind } from "../kube/objects.ts";
import type { Kernel, PiecewiseKernel } from "../kernel/kernel.ts";
import { separated } from "../nft/objects.ts";
import { isUnfinished } from "../fold/unfinished.ts";
import { digestText, rulesetDigest } from "../plan/digest.ts";
import { type Deviation, deviations } from "./comparison.ts";
import { committedDigest, type EngineState } from "./engine_state.ts";
import { DueTimer } from "./due_timer.ts";
import {
  forgetRest,
  forgetsAt,
  type Forgetting,
  forgetWhereDue,
  gatherFlows,
  newForgetting,
} from "./forgetting.ts";
import {
  type Change,
  type HealerEffect,
  type HealerInput,
  type HealerState,
  healerWakesAt,
  newHealer,
  type OpenDrift,
  openDrift,
  stepHealer,
  unhealedChange,
} from "./healer.ts";
import { isInterrupted } from "../kernel/system_error.ts";
import { secondAfter } from "../second.ts";
import { isListed } from "./kernel_tables.ts";
import { commitBatch, list, perform, type Ports } from "./run_loop.ts";

/** Pause before a step (`fold/steps.ts`), or before a piece of a comparison, in milliseconds: requests are answered and changes taken in between. */
const STEP_PAUSE_MILLISECONDS = 5;

/** The same before a piece of a comparison whose deviations are put back: packets wait for the rules. */
const REPAIR_PAUSE_MILLISECONDS = 1;

/** Pause before a comparison begins again that other programs interrupted, and how often that is done. */
const INTERRUPTED_MILLISECONDS = 1000;
const INTERRUPTIONS_MAX = 10;

/** Longest time for which batches go before a step that is due, in milliseconds. */
const STEP_WAIT_MILLISECONDS_MAX = 50;

/** The engine with its ports, and the deadlines between batches. Changed in place. */
export interface Running {
  readonly engine: EngineState;
  readonly ports: Ports;
  readonly healer: HealerState;
  /** Flows that are to be forgotten. */
  readonly forgetting: Forgetting;
  /** When appended records are next made durable: once a second. */
  syncAt: number;
  /** When more of the last list is taken; Infinity where nothing is left of it. */
  takeAt: number;
  /** A comparison of the kernel with what was committed, while one is made, and when its next piece is due. */
  comparing: Generator<Deviation | undefined, void, void> | undefined;
  compareAt: number;
  /** Whether what it finds is put back, and whether another one follows: of what came after it began it may see nothing. */
  repairs: boolean;
  again: boolean;
  /** Whether a comparison was asked for meanwhile: notifications were lost. */
  comparesAgain: boolean;
  /** How often in a row other programs interrupted it. */
  interruptions: number;
  /** When the next step is made; Infinity where none is left. */
  stepAt: number;
  /** Whether the ledger cannot be written, as last given to {@link Ports.ledgerChanged}. */
  failing: boolean;
  /** As last given to {@link Ports.driftChanged}. */
  drift: OpenDrift | undefined;
}

/** The proxy after its first commit was tried. All times `now` are milliseconds of one clock that never goes back. */
export function newRunning(engine: EngineState, ports: Ports, now: number): Running {
  const healer = newHealer(ports.monitor !== undefined, isListed(engine.tables), now);
  const forgetting = newForgetting();
  const running: Running = {
    engine,
    ports: { ...ports, gatherFlows: (effect) => gatherFlows(forgetting, effect) },
    healer,
    forgetting,
    syncAt: secondAfter(now),
    takeAt: Infinity,
    comparing: undefined,
    compareAt: Infinity,
    repairs: false,
    again: false,
    comparesAgain: false,
    interruptions: 0,
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
export function takeBatch(running: Running, batch: SourceBatch, now: number): void {
  const { engine, ports } = running;
  if (isTaking(running)) perform(engine, ports, { kind: "untaken", all: true });
  perform(engine, ports, { kind: "batch", batch });
  commitTaken(running, now);
}

function commitTaken(running: Running, now: number): void {
  const { engine, ports } = running;
  running.takeAt = engine.untaken.length > 0 ? now : Infinity;
  heal(running, commitAll(engine, ports), now);
  planStep(running, now);
  forget(running, now);
  lookAtLedger(running);
}

/** The next deadline: before it, {@link wake} does nothing. */
export function wakeAt({ healer, forgetting, syncAt, stepAt, takeAt, compareAt }: Running): number {
  return Math.min(healerWakesAt(healer), forgetsAt(forgetting), syncAt, stepAt, takeAt, compareAt);
}

/** Whether a part of the last list is not taken yet. */
function isTaking({ takeAt }: Running): boolean {
  return takeAt < Infinity;
}

/** Whether rules are still being made in steps. */
function isStepping({ stepAt }: Running): boolean {
  return stepAt < Infinity;
}

/** The monitor announces that other programs may have changed our tables: {@link wakeAt} may be earlier than before. */
export function notice(running: Running, now: number): void {
  heal(running, { kind: "noticed" }, now);
}

/** Does what is due at `now`. */
export function wake(running: Running, now: number): void {
  if (healerWakesAt(running.healer) <= now) heal(running, { kind: "woken" }, now);
  if (running.takeAt <= now) {
    perform(running.engine, running.ports, { kind: "untaken" });
    commitTaken(running, now);
  }
  if (running.stepAt <= now) {
    running.stepAt = Infinity;
    heal(running, makeStep(running), now);
  }
  if (running.compareAt <= now) compareMore(running, now);
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
function makeStep({ engine, ports }: Running): HealerInput {
  const tried = commitAll(engine, ports, true);
  return engine.rejections > 0 || engine.halving !== undefined ? tried : commitAll(engine, ports);
}

/** Goes on with the comparison by a piece, and puts back what it found. */
function compareMore(running: Running, now: number): void {
  let compared;
  try {
    compared = running.comparing!.next();
  } catch (error) {
    if (!isInterrupted(error)) throw error;
    return compareLater(running, error, now);
  }
  const { done, value: deviation } = compared;
  running.interruptions = 0;
  if (done) return endComparison(running, now);
  if (deviation !== undefined && !running.repairs) {
    heal(running, { kind: "compared", equal: false }, now);
    // It may have to wait.
    if (!running.repairs) return stopComparing(running);
    // What came before was equal, so this comparison is the repair, and none must follow it.
    running.again = false;
  }
  running.compareAt = now + (running.repairs ? REPAIR_PAUSE_MILLISECONDS : STEP_PAUSE_MILLISECONDS);
  if (deviation !== undefined) putBack(running, deviation, now);
}

/** Other programs change rules so often that a piece could not be listed: the comparison begins again, a bounded number of times. */
function compareLater(running: Running, error: Error, now: number): void {
  const { engine, ports: { kernel } } = running;
  if (++running.interruptions < INTERRUPTIONS_MAX && isPiecewise(kernel)) {
    running.comparing = deviations(engine, kernel);
    running.compareAt = now + INTERRUPTED_MILLISECONDS;
    return;
  }
  running.interruptions = 0;
  running.ports.warn(`our rules were not compared with the kernel's: ${error.message}`);
  // Where rules are to be put back, that is retried with the next commit.
  if (running.repairs) putBack(running, { kind: "unreadable" }, now);
  endComparison(running, now);
}

function putBack(running: Running, deviation: Deviation, now: number): void {
  const { engine, ports } = running;
  if (deviation.kind === "elements") perform(engine, ports, { kind: "found", delta: deviation.delta });
  else if (deviation.kind === "skeleton") {
    perform(engine, ports, { kind: "unreadable", tables: deviation.found });
  } else perform(engine, ports, list(ports.kernel));
  heal(running, commitAll(engine, ports), now);
}

function endComparison(running: Running, now: number): void {
  const { repairs, again, comparesAgain } = running;
  stopComparing(running);
  const ended: HealerInput = repairs ? { kind: "healed" } : { kind: "compared", equal: true };
  const result = again ? repair(running, now) : ended;
  if (result !== undefined) heal(running, result, now);
  if (!comparesAgain || again) return;
  const compared = compare(running, now);
  if (compared !== undefined) heal(running, compared, now);
}

function stopComparing(running: Running): void {
  running.comparing?.return();
  running.comparing = undefined;
  running.compareAt = Infinity;
  running.repairs = running.again = running.comparesAgain = false;
}

function forget({ forgetting, engine, ports }: Running, now: number): void {
  forgetWhereDue(forgetting, engine.cluster, ports, now);
}

/** Plans the next step. While the kernel rejects commits there is none: their retry comes first. */
function planStep(running: Running, now: number): void {
  const { cluster, touched, synced, rejections } = running.engine;
  const due = synced && rejections === 0 && (isUnfinished(cluster) || touched.size > 0);
  if (!due) running.stepAt = Infinity;
  else if (!isStepping(running)) running.stepAt = now + STEP_PAUSE_MILLISECONDS;
}

/** Called around each batch of the source. They are no source around another one: each such layer costs three turns of promises. */
export interface BatchHooks {
  before(batch: SourceBatch): void;
  /** Not called where the loop ends before it has taken the whole batch. */
  after(batch: SourceBatch): void;
}

/**
 * Follows `source` until it ends or `signal` aborts. Returns the change of another program after which our rules are not back yet, if
 * there is one. Throws what a batch, a hook or a deadline threw.
 */
export async function runLoop(
  state: EngineState,
  ports: Ports,
  source: Source,
  signal: AbortSignal,
  hooks?: BatchHooks,
): Promise<Change | undefined> {
  const confirm = (kind: ObjectKind, why: string) => source.confirm?.(kind, why);
  const running = newRunning(state, { ...ports, confirm }, performance.now());
  const thrown = new AbortController();
  let latestStep = Infinity;
  const woken = () => {
    if (ends.aborted) return;
    try {
      const begun = performance.now();
      const steps = running.stepAt <= begun;
      wake(running, begun);
      // A pause is as long as the step before it, so that steps take at most half of the time.
      const now = performance.now();
      if (steps && isStepping(running)) {
        running.stepAt = now + Math.max(STEP_PAUSE_MILLISECONDS, now - begun);
        latestStep = now + STEP_WAIT_MILLISECONDS_MAX;
      }
      timer.set();
    } catch (error) {
      thrown.abort(error);
    }
  };
  const timer = new DueTimer(() => wakeAt(running), () => ports.ledger.ready?.(), woken);
  const ends = AbortSignal.any([signal, thrown.signal]);
  ports.monitor?.watch?.(() => {
    notice(running, performance.now());
    timer.set();
  });
  timer.set();
  try {
    for await (const batch of source.batches(ends, knownVersions(state))) {
      hooks?.before(batch);
      let taken = 0;
      for (const portion of portions(batch)) {
        // A turn of the event loop between portions answers requests and wakes what is due.
        if (taken++ > 0) await pause(0);
        const ready = ports.ledger.ready?.();
        if (ready !== undefined) await ready;
        // An error may have left the engine between two states: it receives no more batches.
        thrown.signal.throwIfAborted();
        if (signal.aborted) break;
        latestStep = takeBeforeSteps(running, portion, latestStep);
        // A batch seldom brings the next deadline forward, and a timer for each batch costs more than one that fires too early.
        if (wakeAt(running) < timer.at) timer.set();
        while (isTaking(running) && !ends.aborted) await pause(0);
      }
      if (signal.aborted) break;
      hooks?.after(batch);
    }
    // A source that ends has sent everything: all Services get their rules before the program ends.
    while (isStepping(running) && !ends.aborted) await pause(STEP_PAUSE_MILLISECONDS);
    thrown.signal.throwIfAborted();
    forgetRest(running.forgetting, state.cluster, running.ports);
    return unhealedChange(running.healer);
  } finally {
    timer[Symbol.dispose]();
    stopComparing(running);
    ports.ledger.sync();
  }
}

/** Takes `batch`. Batches that follow each other go before steps, until `latest`; returns the latest time of the next step. */
function takeBeforeSteps(running: Running, batch: SourceBatch, latest: number): number {
  const begun = performance.now();
  const stepped = isStepping(running);
  takeBatch(running, batch, begun);
  const now = performance.now();
  const latestNow = stepped ? latest : now + STEP_WAIT_MILLISECONDS_MAX;
  running.stepAt = Math.max(running.stepAt, Math.min(latestNow, now + (now - begun)));
  return latestNow;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Passes `input` to the healer, executes its effects, and passes their results back. */
function heal(running: Running, input: HealerInput, now: number): void {
  for (const effect of stepHealer(running.healer, input, now)) {
    const result = executeHealing(effect, running, now);
    if (result !== undefined) heal(running, result, now);
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

function executeHealing(effect: HealerEffect, running: Running, now: number): HealerInput | undefined {
  const { engine, ports } = running;
  switch (effect.kind) {
    case "poll":
      return { kind: "polled", received: ports.monitor!.poll() };
    case "compare":
      return compare(running, now);
    case "drift":
      ports.meter?.drifted(effect.process);
      return void perform(engine, ports, { ...effect, time: ports.now() });
    case "heal":
      return repair(running, now);
    case "commit":
      // The rejected commit may have had nothing but the place for a step.
      return commitAll(engine, ports, true);
  }
}

function commitAll(engine: EngineState, ports: Ports, advances = false): HealerInput {
  commitBatch(engine, ports, advances);
  return { kind: "tried", rejected: engine.rejections > 0 };
}

/** Begins a comparison; where one is being made, another one follows it. Where our tables are not in place, one listing shows that. */
function compare(running: Running, now: number): HealerInput | undefined {
  const { engine, ports: { kernel } } = running;
  if (engine.tables.kind !== "in place" || !isPiecewise(kernel)) {
    return { kind: "compared", equal: holdsCommitted(engine, kernel) };
  }
  running.comparesAgain ||= running.comparing !== undefined;
  running.comparing ??= deviations(engine, kernel);
  running.compareAt = now;
  return undefined;
}

/** Begins a comparison whose deviations are put back; where one is being made, another one follows it. */
function repair(running: Running, now: number): HealerInput | undefined {
  const { engine, ports } = running;
  if (engine.tables.kind !== "in place" || !isPiecewise(ports.kernel)) {
    perform(engine, ports, list(ports.kernel));
    heal(running, commitAll(engine, ports), now);
    return { kind: "healed" };
  }
  running.again = running.comparing !== undefined;
  running.comparing ??= deviations(engine, ports.kernel);
  running.repairs = true;
  running.compareAt = now;
  return undefined;
}

function isPiecewise(kernel: Kernel): kernel is PiecewiseKernel {
  return kernel.listInPieces !== undefined && kernel.element !== undefined;
}

/** Whether a listing of our tables equals what was committed. */
function holdsCommitted(engine: EngineState, kernel: Kernel): boolean {
  const listed = list(kernel);
  if (listed.kind !== "listed") return false;
  const { tables, elements } = separated(listed.ruleset);
  return digestText(rulesetDigest(tables, elements)) === digestText(committedDigest(engine));
}

function lookAtLedger(running: Running): void {
  const { failure, durable } = running.ports.ledger;
  if (durable - 1 !== running.engine.durableOffset) {
    perform(running.engine, running.ports, { kind: "durable", offset: durable - 1 });
  }
  if (running.failing === (failure !== undefined)) return;
  running.failing = failure !== undefined;
  running.ports.ledgerChanged?.(failure);
}

/**
 * The newest version of each kind that was received, deletions included: a watch from there misses nothing. Empty while no
 * whole list was received. Versions are numbers, as Kubernetes 1.35 promises (KEP-5504).
 */
export function knownVersions({ synced, cluster, deletions }: EngineState): KnownVersions {
  const newest = new Map<ObjectKind, number>();
  for (const { kind, metadata } of synced ? cluster.objects.values() : []) {
    const version = Number(metadata.resourceVersion ?? NaN);
    if (version > (newest.get(kind) ?? 0)) newest.set(kind, version);
  }
  return new Map(
    [...newest].map(([kind, version]) => [kind, String(Math.max(version, deletions.get(kind) ?? 0))]),
  );
}
