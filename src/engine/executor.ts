// Executes the engine's effects: appends to the ledger, commits to the kernel, reports and warns. All of it is synchronous:
// netlink answers at once, and an append that had to be awaited would let the next event in between.

import { type Kernel, UnreadableRuleset } from "../kernel/kernel.ts";
import { isAboutObject, isTooLarge, KernelRejection } from "../kernel/kernel_rejection.ts";
import { isInterrupted, SystemError } from "../kernel/system_error.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { unreachable } from "../invariant.ts";
import { COMMIT_ATTEMPTS_MAX, HALVINGS_MAX, SET_ASIDE_MAX } from "../limits/commits.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { type Effect, type EngineState, type Input, stepEngine } from "./engine.ts";
import { type ForgetEffect, forgetRest, gatherFlows, newForgetting } from "./forgetting.ts";
import type { HealerInput } from "./healer.ts";
import { OUR_TABLES } from "./kernel_tables.ts";
import type { ChangesNoticed, Ports } from "./ports.ts";

/**
 * From this many operations on, our own notifications cost more than the question whether another program committed
 * meanwhile. The monitor then ignores them and compares generations.
 */
const IGNORED_OPERATIONS = 1000;

/** Passes `input` to the engine, executes its effects in order, and passes their results back until none is left. */
export function perform(state: EngineState, ports: Ports, input: Input): void {
  for (const effect of stepEngine(state, input)) {
    const result = execute(effect, state, ports);
    if (result !== undefined) perform(state, ports, result);
  }
}

/**
 * Commits what has changed. After a rejection the plan is made again from a listing, so the commit is retried at once, and
 * once more for each Service that was set aside. The next batch retries what is left.
 */
export function commitBatch(state: EngineState, ports: Ports, advances = false): void {
  const before = state.cluster.aside.size;
  for (let attempts = 1; attempts <= COMMIT_ATTEMPTS_MAX + SET_ASIDE_MAX + HALVINGS_MAX; attempts++) {
    perform(state, ports, { kind: "sync", advances });
    const setAside = Math.max(0, state.cluster.aside.size - before);
    if (state.rejections === 0) return;
    if (state.halving === undefined && attempts >= COMMIT_ATTEMPTS_MAX + setAside) return;
  }
}

/** Commits what has changed, for the healer. */
export function tryCommit(state: EngineState, ports: Ports, advances = false): HealerInput {
  commitBatch(state, ports, advances);
  return { kind: "tried", rejected: state.rejections > 0 };
}

/** Executes one effect; returns its result where the engine waits for one. */
function execute(effect: Effect, state: EngineState, ports: Ports): Input | undefined {
  switch (effect.kind) {
    case "append":
      return append(effect.records, ports);
    case "commit":
      return commit(effect, ports);
    case "list":
      return list(ports.kernel, undefined, ports.monitor);
    case "forget-flows":
    case "forget-unanswered":
      return void forget(effect, state.cluster, ports);
    case "report":
      return void ports.report(effect.report);
    case "confirm":
      return void ports.confirm?.(effect.resource, effect.why);
    case "warn":
      return void ports.warn(effect.text, effect.about);
    default:
      return unreachable(effect);
  }
}

/** Appends `records`; the result has the offset of the first. */
function append(records: readonly LedgerRecord[], { ledger, meter }: Ports): Input {
  const start = performance.now();
  const first = ledger.append(records);
  meter?.appended((performance.now() - start) * 1000);
  return { kind: "appended", first, records };
}

/** Forgets the flows at once, where no port gathers what is to be forgotten. */
function forget(effect: ForgetEffect, cluster: ClusterState, ports: Ports): void {
  if (ports.gatherFlows !== undefined) return ports.gatherFlows(effect);
  const forgetting = newForgetting();
  gatherFlows(forgetting, effect);
  forgetRest(forgetting, cluster, ports);
}

/** Commits a transaction. A rejection is a result for the engine; every other error is thrown. */
function commit(
  { transaction }: Effect & { kind: "commit" },
  { kernel, ledger, monitor, unnoticed, now, meter }: Ports,
): Input {
  ledger.awaitWritten();
  try {
    const send = () => kernel.commit(transaction);
    const large = transaction.length >= IGNORED_OPERATIONS;
    const receipt = monitor !== undefined && large
      ? monitor.withoutNotifications(() => kernel.generation(), send)
      : send();
    if (large) unnoticed?.(transaction);
    return { kind: "committed", receipt, time: now() };
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    meter?.rejected();
    const operation = isAboutObject(error) ? error.operation : null;
    const whole = isTooLarge(error);
    const [at, foreign] = [performance.now(), foreignAfter(kernel, monitor)];
    return {
      kind: "rejected",
      error: error.message,
      operation,
      foreign,
      time: now(),
      at,
      ...(whole ? { whole } : {}),
    };
  }
}

/** What other programs have changed: a text that is another one after such a change. */
function foreignChanges(kernel: Kernel, monitor: Partial<ChangesNoticed> | undefined): string {
  const noticed = monitor?.noticed?.();
  return noticed === undefined ? `generation ${kernel.generation()}` : `change ${noticed}`;
}

/** The same after a rejection; undefined where the kernel does not answer that either. */
function foreignAfter(kernel: Kernel, monitor: Partial<ChangesNoticed> | undefined): string | undefined {
  try {
    return foreignChanges(kernel, monitor);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/** Lists our tables in `kernel`, as an input of the engine. `startedAt`: RFC 3339, for the first list of a process. */
export function list(
  kernel: Kernel,
  startedAt?: string,
  monitor?: Partial<ChangesNoticed>,
): Input & { readonly kind: "listed" | "unreadable" | "unlisted" } {
  try {
    const foreign = foreignChanges(kernel, monitor);
    const ruleset = kernel.list(OUR_TABLES);
    return { kind: "listed", ruleset, foreign, ...(startedAt === undefined ? {} : { startedAt }) };
  } catch (error) {
    if (isInterrupted(error)) return { kind: "unlisted", error: error.message, at: performance.now() };
    if (!(error instanceof UnreadableRuleset)) throw error;
    return { kind: "unreadable", tables: error.tables };
  }
}
