// What the engine acts on, and what it reports to: the kernel, the ledger, the clock, the log, and what measures and counts.

import type { ObjectKind } from "../kube/objects.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { RulesetMonitor } from "../kernel/ruleset_monitor.ts";
import type { Ledger, LedgerFailure } from "../ledger/ledger.ts";
import type { Family } from "../nft/data_type.ts";
import type { Transaction } from "../nft/transaction.ts";
import type { FlowPorts, ForgetEffect } from "./forgetting.ts";
import type { OpenDrift } from "./healer.ts";
import type { SyncReport } from "./sync_report.ts";

/** All of it. Those that are absent are not needed by what runs the engine. */
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
