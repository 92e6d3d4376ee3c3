// Figures of a window of a ledger: syncs, churn by Service, drift by process, gaps, and commits that the kernel
// rejected.

import { serviceOfComment } from "../kube/named_services.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import {
  type ClockProblem,
  clockProblem,
  type MeasuredRecords,
  type Sync,
  syncsOf,
  triggerToArrival,
} from "./latency.ts";

/** The figures of one window. */
export interface Figures {
  readonly syncs: readonly Sync[];
  /** Milliseconds; see latency.ts. */
  readonly triggerToArrival: readonly number[];
  readonly clock: ClockProblem;
  /** Services with the most changes first. */
  readonly churn: readonly Churn[];
  /** Element changes that commit records do not name, which `churn` therefore lacks. */
  readonly changesOmitted: number;
  /** Programs with the most records first. */
  readonly drift: readonly DriftBy[];
  readonly gaps: readonly Gap[];
  readonly rejected: readonly Rejected[];
}

/** The element changes of one Service. */
export interface Churn {
  /** `namespace/name`. */
  readonly service: string;
  /** Elements that were added or deleted for it. */
  readonly changes: number;
  /** Commits that changed it. */
  readonly commits: number;
  /** Offset of the last of them. */
  readonly last: number;
}

/** Changes that one program made to our tables. */
export interface DriftBy {
  /** "" where the process is unknown: the change was found at a start. */
  readonly process: string;
  readonly times: number;
  /** Of the last of them: offset of the record, process id, changes, and the response of this program. */
  readonly last: number;
  readonly pid: number;
  readonly changes: readonly string[];
  readonly response: string;
}

/** Records that could not be written. */
export interface Gap {
  readonly offset: number;
  readonly time: string;
  readonly records: number;
  readonly reason: string;
}

/** A commit that the kernel rejected. */
export interface Rejected {
  readonly offset: number;
  readonly time: string;
  readonly error: string;
  /** The Service that is left out from then on. */
  readonly setAside?: string;
}

/** The figures of a window's records. */
export function figuresOf(measured: MeasuredRecords): Figures {
  const { records, first } = measured;
  const gaps: Gap[] = [];
  const rejected: Rejected[] = [];
  let changesOmitted = 0;
  records.forEach((record, i) => {
    const { time } = record;
    const offset = first + i;
    if (record.kind === "gap" && record.checkpoint === undefined) {
      gaps.push({ offset, time, records: record.records, reason: record.reason });
    }
    if (record.kind !== "commit") return;
    changesOmitted += record.changesOmitted;
    if (record.outcome !== "rejected") return;
    const { error = "", setAside } = record;
    rejected.push({ offset, time, error, ...(setAside === undefined ? {} : { setAside }) });
  });
  return {
    syncs: syncsOf(measured),
    triggerToArrival: triggerToArrival(measured),
    clock: clockProblem(records),
    churn: churnOf(records, first),
    changesOmitted,
    drift: driftOf(records, first),
    gaps,
    rejected,
  };
}

/** Changes and commits of each Service. Commit records that omit changes are counted with those that they name. */
function churnOf(records: readonly LedgerRecord[], first: number): Churn[] {
  const found = new Map<string, Churn>();
  records.forEach((record, i) => {
    if (record.kind !== "commit" || record.outcome !== "committed") return;
    const counts = new Map<string, number>();
    for (const { comment } of record.changes) {
      if (comment === undefined) continue;
      const service = serviceOfComment(comment);
      counts.set(service, (counts.get(service) ?? 0) + 1);
    }
    for (const [service, count] of counts) {
      const { changes, commits } = found.get(service) ?? { changes: 0, commits: 0 };
      found.set(service, { service, changes: changes + count, commits: commits + 1, last: first + i });
    }
  });
  return [...found.values()].sort((a, b) => b.changes - a.changes || (a.service < b.service ? -1 : 1));
}

/** Drift records by process name. */
function driftOf(records: readonly LedgerRecord[], first: number): DriftBy[] {
  const found = new Map<string, DriftBy>();
  records.forEach((record, i) => {
    if (record.kind !== "drift") return;
    const { process, pid, changes, response } = record;
    const times = (found.get(process)?.times ?? 0) + 1;
    found.set(process, { process, times, last: first + i, pid, changes, response });
  });
  return [...found.values()].sort((a, b) => b.times - a.times || (a.process < b.process ? -1 : 1));
}
