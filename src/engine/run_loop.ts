// Executes the engine's effects: appends to the ledger, commits to the kernel, reports and warns. All of it is synchronous:
// netlink answers at once, and an append that had to be awaited would let the next event in between.

import type { ObjectKind } from "../kube/objects.ts";
import { type Kernel, type TableName, UnreadableRuleset } from "../kernel/kernel.ts";
import type { RulesetMonitor } from "../kernel/ruleset_monitor.ts";
import { isAboutObject, isTooLarge, KernelRejection } from "../kernel/kernel_rejection.ts";
import { isInterrupted, SystemError } from "../kernel/system_error.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Ledger, LedgerFailure } from "../ledger/ledger.ts";
import { unreachable } from "../invariant.ts";
import { COMMIT_ATTEMPTS_MAX, HALVINGS_MAX, SET_ASIDE_MAX } from "../limits/commits.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import type { Transaction } from "../nft/transaction.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { TABLE } from "../fold/skeleton.ts";
import { type Effect, type EngineState, type Input, stepEngine } from "./engine.ts";
import { type FlowPorts, type ForgetEffect, forgetRest, gatherFlows, newForgetting } from "./forgetting.ts";
import type { OpenDrift } from "./healer.ts";
import type { SyncReport } from "./sync_report.ts";

/** What the loop acts on. */
export interface Ports extends Pick<FlowPorts, "conntrack"> {
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  /** RFC 3339 with milliseconds, UTC. */
  now(): string;
  /** Receives what is to be forgotten; absent where it is done at once. */
  gatherFlows?(effect: ForgetEffect): void;
  /** Receives the changes of other programs to our tables; absent where they are not monitored. */
  readonly monitor?:
    & Pick<RulesetMonitor, "poll" | "withoutNotifications">
    & Partial<ChangesNoticed & Pick<RulesetMonitor, "watch">>;
  /** Receives a batch that the monitor received no notifications of; absent where nothing is counted. */
  readonly unnoticed?: (transaction: Transaction) => void;
  /** Receives the failure when the ledger cannot be written, and undefined when it can again. */
  readonly ledgerChanged?: (failure: LedgerFailure | undefined) => void;
  /** Receives the drift that is not resolved, whenever that changes; times in milliseconds since 1970. */
  readonly driftChanged?: (drift: OpenDrift | undefined) => void;
  /** Absent where nothing is measured. */
  readonly meter?: Meter;
  /** Asks the source for a list that confirms the last one; see `Source.confirm`. */
  confirm?(kind: ObjectKind, why: string): void;
  report(report: SyncReport): void;
  /** Receives a line for the log. `about`: whose objects it is about, where a tenant decides how often there is such a line. */
  warn(text: string, about?: string): void;
}

/** Whether other programs changed our tables. Without it a commit to any table counts as one to ours. */
export type ChangesNoticed = Pick<RulesetMonitor, "noticed">;

/** What is measured beside commits. Times in microseconds. */
export interface Meter {
  /** Counts a batch that the kernel rejected. */
  rejected(): void;
  /** Counts an append to the ledger, whether or not it is on the disk. */
  appended(microseconds: number): void;
  /** Counts a change of another program to our tables. */
  drifted(process: string): void;
  /** Counts entries of connection tracking that were deleted. */
  forgot(family: Family, flows: number, microseconds: number): void;
}

/** Our tables in both families. */
export const OUR_TABLES: readonly TableName[] = FAMILIES.map((family) => ({ family, name: TABLE }));

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
