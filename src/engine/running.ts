// A proxy at work: batches of the source go to the kernel as they come, and between them the healer is asked when it wants to
// be, and the ledger made durable. Everything but `runLoop`, which waits for the source and owns the timer, is synchronous and
// has its time from the caller, so that a simulation can be the caller.

import type { KnownVersions, Source, SourceBatch } from "../ingest/source.ts";
import type { ObjectKind } from "../kube/objects.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { separated } from "../nft/objects.ts";
import { digestText, rulesetDigest } from "../plan/digest.ts";
import type { EngineState } from "./engine.ts";
import {
  type HealerEffect,
  type HealerInput,
  type HealerState,
  newHealer,
  step,
  type UnsettledDrift,
  unsettledDrift,
  wakeAt as healerWakeAt,
} from "./healer.ts";
import { commitBatch, list, perform, type Ports } from "./run_loop.ts";

/** How often appended records are made durable, in milliseconds. */
const SYNC_MILLISECONDS = 1000;

/** A proxy at work: the engine, what it acts on, and what is done without a batch. Changed in place. */
export interface Running {
  readonly engine: EngineState;
  readonly ports: Ports;
  readonly healer: HealerState;
  /** When appended records are next made durable. */
  syncAt: number;
  failing: boolean;
  /** As last given to {@link Ports.driftChanged}. */
  drift: UnsettledDrift | undefined;
}

/** A proxy that has started. All times `now` are milliseconds of one clock that never goes back. */
export function newRunning(engine: EngineState, ports: Ports, now: number): Running {
  const healer = newHealer(ports.monitor !== undefined, engine.listed, now);
  const running = {
    engine,
    ports,
    healer,
    syncAt: now + SYNC_MILLISECONDS,
    failing: false,
    drift: undefined,
  };
  // What the start could not commit is tried again.
  heal(running, { kind: "tried", refused: engine.rejections > 0 }, now);
  return running;
}

/** Takes a batch to the kernel. */
export function takeBatch(running: Running, batch: SourceBatch, now: number): void {
  const { engine, ports } = running;
  perform(engine, ports, { kind: "batch", batch });
  heal(running, commitAll(engine, ports), now);
  lookAtLedger(running);
}

/** When {@link wake} has something to do. */
export function wakeAt({ healer, syncAt }: Running): number {
  return Math.min(healerWakeAt(healer), syncAt);
}

/** Does what is due at `now`. */
export function wake(running: Running, now: number): void {
  if (healerWakeAt(running.healer) <= now) heal(running, { kind: "woken" }, now);
  if (now < running.syncAt) return;
  running.syncAt = now + SYNC_MILLISECONDS;
  running.ports.ledger.sync();
  lookAtLedger(running);
}

/** Runs `source` until it ends or `signal` aborts. Throws whatever is thrown in it, between batches too. */
export async function runLoop(
  state: EngineState,
  ports: Ports,
  source: Source,
  signal: AbortSignal,
): Promise<void> {
  const confirm = (kind: ObjectKind, why: string) => source.confirm?.(kind, why);
  const running = newRunning(state, { ...ports, confirm }, performance.now());
  const thrown = new AbortController();
  let timer: ReturnType<typeof setTimeout>;
  const rest = () => {
    timer = setTimeout(() => {
      try {
        wake(running, performance.now());
        rest();
      } catch (error) {
        thrown.abort(error);
      }
    }, Math.max(0, wakeAt(running) - performance.now()));
  };
  rest();
  const ends = AbortSignal.any([signal, thrown.signal]);
  try {
    for await (const batch of source.batches(ends, knownVersions(state))) {
      // What an error may have left half-way takes no more.
      thrown.signal.throwIfAborted();
      takeBatch(running, batch, performance.now());
    }
    thrown.signal.throwIfAborted();
  } finally {
    clearTimeout(timer!);
    ports.ledger.sync();
  }
}

/** Feeds `input` to the healer, executes what it asks for, and feeds back the results. */
function heal(running: Running, input: HealerInput, now: number): void {
  for (const effect of step(running.healer, input, now)) {
    const result = executeHealing(effect, running);
    if (result !== undefined) heal(running, result, now);
  }
  const drift = unsettledDrift(running.healer);
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

function sameDrift(a: UnsettledDrift | undefined, b: UnsettledDrift | undefined): boolean {
  return a?.since === b?.since && a?.putBackAt === b?.putBackAt && a?.process === b?.process &&
    a?.pid === b?.pid && a?.changes.length === b?.changes.length;
}

function executeHealing(effect: HealerEffect, { engine, ports }: Running): HealerInput | undefined {
  switch (effect.kind) {
    case "poll":
      return { kind: "polled", heard: ports.monitor!.poll() };
    case "compare":
      return { kind: "compared", equal: holdsCommitted(engine, ports.kernel) };
    case "drift":
      ports.meter?.drifted(effect.process);
      return void perform(engine, ports, { ...effect, time: ports.now() });
    case "heal":
      perform(engine, ports, list(ports.kernel));
      return commitAll(engine, ports);
    case "commit":
      return commitAll(engine, ports);
  }
}

function commitAll(engine: EngineState, ports: Ports): HealerInput {
  commitBatch(engine, ports);
  return { kind: "tried", refused: engine.rejections > 0 };
}

/** Whether our tables are what was committed. */
function holdsCommitted({ committedDigest }: EngineState, kernel: Kernel): boolean {
  const listed = list(kernel);
  if (listed.kind !== "listed") return false;
  const { tables, elements } = separated(listed.ruleset);
  return digestText(rulesetDigest(tables, elements)) === digestText(committedDigest);
}

function lookAtLedger(running: Running): void {
  const { failure } = running.ports.ledger;
  if (running.failing === (failure !== undefined)) return;
  running.failing = failure !== undefined;
  running.ports.ledgerChanged?.(failure);
}

/**
 * The newest version of each kind in a state that was complete once, deletions among them: what came before it is known.
 * Versions are numbers, as Kubernetes 1.35 promises (KEP-5504).
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
