// Executes the engine's effects: writes the ledger, commits to the kernel, reports to people. All of it is synchronous.

import type { ObjectKind } from "../kube/objects.ts";
import { type Kernel, type TableName, UnreadableRuleset } from "../kernel/kernel.ts";
import type { RulesetMonitor } from "../kernel/ruleset_monitor.ts";
import type { UdpFlows } from "../kernel/conntrack.ts";
import { SystemError } from "../kernel/system_error.ts";
import { isAboutObject, KernelRejection } from "../kernel/kernel_rejection.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { LedgerFailure, LedgerWriter } from "../ledger/writer.ts";
import { SET_ASIDE_MAX } from "../limits.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import { TABLE } from "../fold/skeleton.ts";
import { type Effect, type EngineState, type Input, step } from "./engine.ts";
import type { UnsettledDrift } from "./healer.ts";
import type { SyncReport } from "./sync_report.ts";

/** What the loop acts on. */
export interface Ports {
  readonly kernel: Kernel;
  readonly ledger: LedgerWriter;
  /** RFC 3339 with milliseconds, UTC. */
  now(): string;
  /** Forgets flows of connection tracking; absent where there are none. */
  readonly conntrack?: { deleteStale(flows: readonly UdpFlows[]): number };
  /** Hears what others change in our tables; absent where nobody listens. */
  readonly monitor?: Pick<RulesetMonitor, "poll" | "unheard">;
  /** Told when the ledger cannot be written, and when it can again. */
  readonly ledgerChanged?: (failure: LedgerFailure | undefined) => void;
  /** Receives what another program did and is not settled, whenever that changes; times in milliseconds since 1970. */
  readonly driftChanged?: (drift: UnsettledDrift | undefined) => void;
  /** Absent where nobody measures. */
  readonly meter?: Meter;
  /** Asks the source for a list that confirms the last one; see {@link Source.confirm}. */
  confirm?(kind: ObjectKind, why: string): void;
  report(report: SyncReport): void;
  warn(text: string): void;
}

/** What is measured beside syncs. Times in microseconds. */
export interface Meter {
  /** Told of every batch that the kernel refused. */
  rejected(): void;
  /** Told of records written to the ledger, synced to disk or not. */
  appended(microseconds: number): void;
  /** Told of each batch of another program that changed our tables. */
  drifted(process: string): void;
  /** Told of flows that were forgotten. */
  forgot(family: Family, flows: number, microseconds: number): void;
}

/** Our tables in both families. */
export const OUR_TABLES: readonly TableName[] = FAMILIES.map((family) => ({ family, name: TABLE }));

/** Operations of a batch from which on listening to ourselves costs more than to ask whether others committed meanwhile. */
const UNHEARD_OPERATIONS = 1000;

/** Commits tried for one batch. The next batch tries again what they left. */
const ATTEMPTS = 3;

/** Feeds `input` to the engine, executes what it asks for, and feeds back the results until nothing is left to do. */
export function perform(state: EngineState, ports: Ports, input: Input): void {
  for (const effect of step(state, input)) {
    const result = execute(effect, ports);
    if (result !== undefined) perform(state, ports, result);
  }
}

/**
 * Commits what there is. A refused plan has been made again from a listing: once more, at once, may be all it takes, and
 * once more for each Service that was set aside.
 */
export function commitBatch(state: EngineState, ports: Ports): void {
  const before = state.cluster.aside.size;
  for (let attempt = 0; attempt < ATTEMPTS + SET_ASIDE_MAX; attempt++) {
    perform(state, ports, { kind: "sync" });
    const left = ATTEMPTS + Math.max(0, state.cluster.aside.size - before);
    if (state.rejections === 0 || attempt + 1 >= left) return;
  }
}

function execute(effect: Effect, ports: Ports): Input | undefined {
  switch (effect.kind) {
    case "append":
      return append(effect.records, ports);
    case "commit":
      return commit(effect, ports);
    case "list":
      return list(ports.kernel);
    case "forget-flows":
      return void forgetFlows(effect.frontends, ports);
    case "report":
      return void ports.report(effect.report);
    case "confirm":
      return void ports.confirm?.(effect.resource, effect.why);
    case "warn":
      return void ports.warn(effect.text);
  }
}

function append(records: readonly LedgerRecord[], { ledger, meter }: Ports): Input {
  const start = performance.now();
  const first = ledger.append(records);
  meter?.appended((performance.now() - start) * 1000);
  return { kind: "appended", first, records };
}

/** The rules are right already: a flow that cannot be forgotten is told, and ends with its timeout. */
function forgetFlows(flows: readonly UdpFlows[], { conntrack, meter, warn }: Ports): void {
  try {
    for (const family of new Set(flows.map(({ family }) => family))) {
      const start = performance.now();
      const deleted = conntrack?.deleteStale(flows.filter((flow) => flow.family === family)) ?? 0;
      meter?.forgot(family, deleted, (performance.now() - start) * 1000);
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    warn(`stale UDP flows stay until they time out: ${error.message}`);
  }
}

function commit({ transaction }: Effect & { kind: "commit" }, { kernel, monitor, now, meter }: Ports): Input {
  try {
    const send = () => kernel.commit(transaction);
    const receipt = monitor === undefined || transaction.length < UNHEARD_OPERATIONS
      ? send()
      : monitor.unheard(() => kernel.generation(), send);
    return { kind: "committed", receipt, time: now() };
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    meter?.rejected();
    const operation = isAboutObject(error) ? error.operation : null;
    return { kind: "rejected", error: error.message, operation, time: now() };
  }
}

/** Our tables as `kernel` holds them, for the engine. */
export function list(
  kernel: Kernel,
  startedAt?: string,
): Input & { readonly kind: "listed" | "unreadable" } {
  try {
    const ruleset = kernel.list(OUR_TABLES);
    return { kind: "listed", ruleset, ...(startedAt === undefined ? {} : { startedAt }) };
  } catch (error) {
    if (!(error instanceof UnreadableRuleset)) throw error;
    return { kind: "unreadable", tables: error.tables };
  }
}
