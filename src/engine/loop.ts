// The loop of a proxy at work. It alone waits: for the source, for the ledger, and with a timer for the next deadline.

import { portions } from "../ingest/portions.ts";
import type { Source, SourceBatch } from "../ingest/source.ts";
import type { ObjectKind } from "../kube/objects.ts";
import { DueTimer } from "./due_timer.ts";
import { type EngineState, knownVersions } from "./engine_state.ts";
import { forgetRest } from "./forgetting.ts";
import { type Change, unhealedChange } from "./healer.ts";
import type { Ports } from "./ports.ts";
import { stopComparison } from "./repair.ts";
import {
  isStepping,
  isTaking,
  newRunningProxy,
  notice,
  type RunningProxy,
  STEP_PAUSE_MILLISECONDS,
  takeBatch,
  wake,
  wakeAt,
} from "./running_proxy.ts";

/** Longest time for which batches go before a step that is due, in milliseconds. */
const STEP_WAIT_MILLISECONDS_MAX = 50;

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
  const running = newRunningProxy(state, { ...ports, confirm }, performance.now());
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
    for await (const batch of source.batches(ends, () => knownVersions(state))) {
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
    stopComparison(running.comparison);
    ports.ledger.sync();
  }
}

/** Takes `batch`. Batches that follow each other go before steps, until `latest`; returns the latest time of the next step. */
function takeBeforeSteps(running: RunningProxy, batch: SourceBatch, latest: number): number {
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
