// Commits: when one is due, what it contains, and what follows from the kernel's answer. The mirror of what the kernel
// holds changes only after the kernel has applied the transaction.

import { assert } from "../invariant.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { CONTAINERS } from "../fold/skeleton.ts";
import { touch } from "../fold/fold_changes.ts";
import { isUnfinished } from "../fold/unfinished.ts";
import type { CommitReceipt, TableName } from "../kernel/kernel.ts";
import { readServiceName } from "../kube/service_name.ts";
import { REJECTIONS_NAMED_MAX } from "../limits/commits.ts";
import type { Elements, Table } from "../nft/ruleset.ts";
import { createTable, type Operation, type TableFlag } from "../nft/transaction.ts";
import {
  applyDelta,
  compareChanges,
  type Delta,
  deltaFromNothing,
  diff,
  type ElementChange,
  type MutableElements,
} from "../plan/delta.ts";
import { advanceDigest, digestText } from "../plan/digest.ts";
import { movedFrontends, movedTexts } from "../plan/moved_frontends.ts";
import { elementOperations, isRetired, plan } from "../plan/plan.ts";
import { POSITION_PATH, positionElement } from "../plan/position.ts";
import { noteAllFlows } from "./appended.ts";
import { commitRecord } from "./commit_record.ts";
import { type Effect, warning, warningAbout } from "./effect.ts";
import { committedDigest, type EngineState, type PendingCommit } from "./engine_state.ts";
import type { Input } from "./input.ts";
import { firstPart, halved, type Halving, isConvicted, refusedWhole, takenPart } from "./halving.ts";
import { elementsInPlace, isListed, OUR_TABLES, toBeRebuilt } from "./kernel_tables.ts";
import { serviceOfOperation } from "./operation_owner.ts";
import { nothingGathered, syncReport, unchangedReport } from "./sync_report.ts";

/**
 * Sends what differs, if anything does and nothing else is on its way. With `advances` a step of large Services' rules follows
 * it; where nothing differs the commit has only the position, so that the ledger has a place for the step.
 */
export function planCommit(state: EngineState, advances = false): Effect[] {
  const { cluster, tables } = state;
  if (!state.synced || state.pending !== undefined) return [];
  // The next sync commits: a rejected one is tried again at once, and this one counts as such.
  if (state.unlisted) return [{ kind: "list" }];
  const inPlace = tables.kind === "in place";
  const all = inPlace
    ? plan(tables.elements, cluster.desired, state.touched)
    : deltaFromNothing(cluster.desired);
  state.halving ??= firstPart(all.length, tables, cluster);
  const { delta: changes, left, alone } = halved(all, state.halving);
  const steps = advances && isUnfinished(cluster);
  if (inPlace && tables.positioned && all.length === 0 && state.takeover.length === 0 && !steps) {
    state.touched.clear();
    noteAccepted(state);
    return [...reportUnchanged(state), ...forgetFlows(state)];
  }
  const digest = advanceDigest(committedDigest(state), changes);
  const position = positionChange(state, digestText(digest));
  const transaction = [
    // The other proxy's rules stay until all of ours are there.
    ...(left === 0 ? state.takeover.map(deletion) : []),
    ...rebuildOperations(state),
    ...elementOperations(changes, CONTAINERS),
    ...elementOperations([position], CONTAINERS),
  ];
  state.pending = {
    delta: withPosition(changes, position),
    through: cluster.folded,
    digest,
    operations: transaction.length,
    rebuilds: !inPlace,
    moved: movedFrontends(replacedChanges(state, changes)),
    advances: steps,
    left,
    alone,
  };
  state.plannedOffset = cluster.folded;
  return [{ kind: "commit", transaction }];
}

/** Reports what has happened since the last report, which changes no rule: a sync that had nothing to do has ended. */
function reportUnchanged(state: EngineState): Effect[] {
  const { cluster, committedOffset, gathered } = state;
  if (gathered.services + gathered.endpoints === 0 && !gathered.stepped) return [];
  state.gathered = nothingGathered();
  return [{ kind: "report", report: unchangedReport(cluster, committedOffset, gathered) }];
}

/** The changes as packets notice them: those of a rebuild are seen against the tables that it replaces. */
function replacedChanges({ tables, cluster }: EngineState, changes: Delta): Delta {
  const replaces = tables.kind === "to be rebuilt" && tables.replaced.size > 0;
  return replaces ? diff(tables.replaced, cluster.desired) : changes;
}

/** `changes`, which are in order, with that of the position in its place. */
function withPosition(changes: Delta, position: ElementChange): Delta {
  const place = changes.findIndex((change) => compareChanges(change, position) > 0);
  return place < 0 ? [...changes, position] : changes.toSpliced(place, 0, position);
}

function positionChange(state: EngineState, digest: string): ElementChange {
  const after = positionElement({ ledger: state.ledger, offset: state.cluster.folded, digest });
  const before = elementsInPlace(state.tables).get(POSITION_PATH)?.get(after.key);
  return { set: POSITION_PATH, key: after.key, before, after };
}

function rebuildOperations({ tables, tableFlags, cluster }: EngineState): Operation[] {
  if (tables.kind === "in place") return [];
  const old = tables.kind === "to be rebuilt" ? tables.old : [];
  return [...old.map(deletion), ...cluster.tables.flatMap((table) => creation(table, tableFlags))];
}

function creation(table: Table, flags: readonly TableFlag[]): Operation[] {
  if (flags.length === 0) return [...createTable(table)];
  return createTable(table).map((operation) =>
    operation.verb === "add" && operation.noun === "table" ? { ...operation, flags } : operation
  );
}

function deletion({ family, name }: TableName): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}

/** The kernel applied the pending commit. */
export function noteCommitted(state: EngineState, receipt: CommitReceipt, time: string): Effect[] {
  const pending = takePending(state);
  const { delta, through, digest } = pending;
  const { tables } = state;
  const elements: MutableElements = tables.kind === "in place" ? tables.elements : new Map();
  applyDelta(elements, delta);
  state.tables = { kind: "in place", listed: isListed(tables), elements, digest, positioned: true };
  keepLeft(state, pending, elements);
  // An emptied chain can be deleted only now that no element of an earlier generation leads to it.
  for (const { set, key, after } of delta) {
    if (isRetired(set, after)) touch(state.touched, set, key, through);
  }
  if (pending.left === 0) state.takeover = [];
  if (pending.rebuilds) noteAllFlows(state);
  noteAccepted(state);
  const from = state.committedOffset + 1;
  state.committedOffset = through;
  const report = syncReport(state.cluster, pending, from, receipt, state.gathered);
  state.gathered = { ...nothingGathered(), stepped: pending.advances };
  const { halving } = state;
  state.halving = halving && takenPart(halving, pending.left);
  const convicted = convict(state.cluster, halving, pending, time);
  return [
    { kind: "append", records: [commitRecord(from, pending, receipt, time)] },
    ...movedTexts(report.moved).map(({ from, to, text }) => warningAbout([from, to], text)),
    { kind: "report", report },
    ...convicted,
    ...(pending.left > 0 ? [] : forgetFlows(state)),
    // What is left, and what the records above change when they are folded, follows after a pause.
    ...(pending.left > 0 || pending.advances || convicted.length > 0 ? [] : planCommit(state)),
  ];
}

/** Nothing that the kernel rejected is left to be committed. */
function noteAccepted(state: EngineState): void {
  state.rejections = 0;
  state.rejectedSince = undefined;
  state.named = undefined;
}

/** Removes from `touched` what `pending` has committed; the rest is left for later commits. */
function keepLeft(state: EngineState, { delta, left, rebuilds }: PendingCommit, committed: Elements): void {
  const { touched, cluster } = state;
  if (left === 0) return touched.clear();
  if (rebuilds) {
    for (const { set, key, cause } of diff(committed, cluster.desired, cluster.causes)) {
      if (set !== POSITION_PATH) touch(touched, set, key, cause ?? cluster.folded);
    }
  } else for (const { set, key } of delta) touched.get(set)?.delete(key);
}

/**
 * Sets the suspect aside: the kernel refused its changes alone, and takes a batch without them. A Service that is gone has no
 * rules that could be left out, and no object whose change would end this.
 */
function convict(
  cluster: ClusterState,
  halving: Halving | undefined,
  { through, digest }: PendingCommit,
  time: string,
): Effect[] {
  if (halving?.suspect === undefined || !isConvicted(halving)) return [];
  const { service, error } = halving.suspect;
  if (!cluster.services.has(readServiceName(service))) return [];
  const none = { delta: [], through, digest };
  const record = commitRecord(through + 1, none, nothingApplied({ operations: 0 }), time);
  return [{
    kind: "append",
    records: [{ ...record, outcome: "rejected", error, setAside: service }],
  }];
}

/**
 * The kernel rejected the pending commit. The same plan would be rejected again, so the kernel is listed and the next plan
 * made from that. If the kernel rejects this one too, the Service at fault is set aside and all others are served.
 */
export function noteRejected(
  state: EngineState,
  { error, operation, foreign, time, at, whole }: Input & { readonly kind: "rejected" },
): Effect[] {
  const pending = takePending(state);
  state.plannedOffset = state.committedOffset;
  state.rejections++;
  state.rejectedSince ??= at;
  if (operation?.noun === "table" && operation.verb === "delete") {
    // The other proxy may have deleted this table itself.
    state.takeover = state.takeover.filter(({ family, name }) =>
      family !== operation.family || name !== operation.table
    );
  }
  // This plan was made from a listing, after one that was rejected too.
  const again = state.rejections > 1 && isListed(state.tables);
  const named = again && operation !== null ? serviceOfOperation(state.cluster, operation) : undefined;
  const undisturbed = foreign !== undefined && state.foreignAtListing === foreign;
  const atFault = named !== undefined && isAtFault(state, named, undisturbed) ? named : undefined;
  const tried = { ...pending, advances: false };
  const record = commitRecord(state.committedOffset + 1, tried, nothingApplied(pending), time);
  const rejected = { ...record, outcome: "rejected", error } as const;
  state.halving = whole
    ? refusedWhole(state.halving, pending.delta.length - 1, pending.alone, error)
    : undefined;
  if (state.halving !== undefined) {
    // Nothing is wrong with what is known of the kernel, so it is not listed. The changes are those of the parts to come.
    const changesOmitted = rejected.changes.length + rejected.changesOmitted;
    return [
      { kind: "append", records: [{ ...rejected, changes: [], changesOmitted }] },
      warning(`${error}. A smaller batch is tried`),
    ];
  }
  if (again && undisturbed && named === undefined && isWronglyPlanned(state, operation)) {
    state.tables = toBeRebuilt(state.tables, OUR_TABLES, true);
    state.touched.clear();
    return [
      { kind: "append", records: [rejected] },
      warning(`${error}. The tables are replaced as a whole in one batch`),
    ];
  }
  return atFault === undefined
    ? [
      { kind: "append", records: [rejected] },
      warning(`${error}. The rules stay as they were`),
      { kind: "list" },
    ]
    // What was listed is still right: a rejected batch changes nothing. A listing of 60,000 elements blocks the loop for half a second.
    : [
      { kind: "append", records: [{ ...rejected, setAside: atFault }] },
      ...undisturbed ? [] : [{ kind: "list" } as const],
    ];
}

/**
 * Whether `operation`, which is of no Service, changes tables that are in place. Rejected again, it would be each time, and no change of
 * a Service would come through any more. Such a plan is a fault of this program.
 */
function isWronglyPlanned({ tables }: EngineState, operation: Operation | null): boolean {
  return tables.kind === "in place" && operation !== null && operation.noun !== "table";
}

/**
 * Whether the rules of `service`, which the kernel named, are why it rejects the batch. Where another program changed our tables
 * since the listing, what it deleted may be missing. But if one keeps doing so, no Service would be served any more, so a Service
 * that was named many times in a row is taken for the cause.
 */
function isAtFault(state: EngineState, service: string, undisturbed: boolean): boolean {
  const times = state.named?.service === service ? state.named.times + 1 : 1;
  const atFault = undisturbed || times >= REJECTIONS_NAMED_MAX;
  state.named = atFault ? undefined : { service, times };
  return atFault;
}

/** The receipt of a batch of which the kernel applied nothing. */
function nothingApplied({ operations }: Pick<PendingCommit, "operations">): CommitReceipt {
  return { generation: 0, operations, bytes: 0, renderMicroseconds: 0, microseconds: 0 };
}

/** Called once the rules are in place: the next packet of a flow that is forgotten is translated by them. */
function forgetFlows({ staleFlows, tightened }: EngineState): Effect[] {
  const effects: Effect[] = [];
  if (staleFlows.size > 0) effects.push({ kind: "forget-flows", frontends: new Map(staleFlows) });
  if (tightened.size > 0) effects.push({ kind: "forget-unanswered", frontends: new Map(tightened) });
  staleFlows.clear();
  tightened.clear();
  return effects;
}

function takePending(state: EngineState): PendingCommit {
  const { pending } = state;
  assert(pending !== undefined, "a commit ended that was not begun");
  state.pending = undefined;
  return pending;
}
