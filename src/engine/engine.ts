// The engine: step(state, input) -> effects. It decides what is appended, when to commit and what a refusal means; it
// does nothing itself. Positions are promises: appended >= folded >= planned >= committed, asserted at every step.

import { assert, unreachable } from "../invariant.ts";
import { type ClusterState, emptyState, takeDirty, takeStaleFlows } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { remarkable, remarks } from "../fold/remarks.ts";
import type { UdpFrontend } from "../fold/service_program.ts";
import { CONTAINERS } from "../fold/skeleton.ts";
import type { ObjectKind, WatchEvent } from "../kube/objects.ts";
import type { SourceBatch } from "../ingest/source.ts";
import type { CommitReceipt } from "../kernel/kernel.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import { separated } from "../nft/objects.ts";
import {
  type ElementKey,
  type Elements,
  type Ruleset,
  sameElement,
  type SetPath,
  type Table,
} from "../nft/ruleset.ts";
import { createTable, type Operation, type TableFlag, type Transaction } from "../nft/transaction.ts";
import {
  applyDelta,
  compareChanges,
  type Delta,
  diff,
  type ElementChange,
  type MutableElements,
} from "../plan/delta.ts";
import { advanceDigest, type Digest, digestText, rulesetDigest, tablesDigest } from "../plan/digest.ts";
import { type MovedFrontend, movedFrontends, movedTexts } from "../plan/moved_frontends.ts";
import { elementOperations, isRetired, plan, type Touched } from "../plan/plan.ts";
import { type Position, POSITION_PATH, positionElement, positionOf } from "../plan/position.ts";
import { takeBatch } from "./batch.ts";
import type { HeldList } from "./held_list.ts";
import { commitRecord } from "./commit_record.ts";
import {
  disagreement,
  disagreementRecord,
  disagreementText,
  type Found,
  isUnknownPast,
} from "./disagreement.ts";
import { ownerOf } from "./operation_owner.ts";
import { gather, type Gathered, nothingGathered, type SyncReport, syncReport } from "./sync_report.ts";

/** What happened. Times are RFC 3339 with milliseconds, UTC. */
export type Input =
  /** The ledger that records are appended to; `complete` when rules may be made from it though it tells of no commit. */
  | {
    readonly kind: "opened";
    readonly ledger: string;
    readonly complete?: boolean;
    /** Flags that our tables are made with. */
    readonly flags?: readonly TableFlag[];
  }
  /** The kernel's tables as they are: at start, with the time, and after a rejection. */
  | { readonly kind: "listed"; readonly ruleset: Ruleset; readonly startedAt?: string }
  /** At start: the kernel is as the ledger's last commit, at `position`, left it. */
  | { readonly kind: "untouched"; readonly position: Position }
  /** Our tables hold what this program never writes; they will be made anew. */
  | { readonly kind: "unreadable"; readonly tables: readonly Pick<Table, "family" | "name">[] }
  /** Another program has changed our tables, or may have: `changes` is empty where nobody saw it. */
  | {
    readonly kind: "drift";
    readonly process: string;
    readonly pid: number;
    readonly changes: readonly string[];
    readonly response: string;
    readonly time: string;
  }
  /** Tables of another proxy, which the next commit removes as it brings our rules: no packet meets none or both. */
  | { readonly kind: "takeover"; readonly tables: readonly Pick<Table, "family" | "name">[] }
  | { readonly kind: "batch"; readonly batch: SourceBatch }
  | { readonly kind: "appended"; readonly first: Offset; readonly records: readonly LedgerRecord[] }
  /** Nothing more is waiting: commit what there is. */
  | { readonly kind: "sync" }
  | { readonly kind: "committed"; readonly receipt: CommitReceipt; readonly time: string }
  /** `operation` is the one the kernel would not take, where the refusal is about it. */
  | {
    readonly kind: "rejected";
    readonly error: string;
    readonly operation: Operation | null;
    readonly time: string;
  };

/** What must be done, in this order; the result comes back as an input. */
export type Effect =
  | { readonly kind: "append"; readonly records: readonly LedgerRecord[] }
  | { readonly kind: "commit"; readonly transaction: Transaction }
  | { readonly kind: "list" }
  /** Flows to UDP frontends that lead elsewhere than to who serves them are to be forgotten. */
  | { readonly kind: "forget-flows"; readonly frontends: readonly UdpFrontend[] }
  | { readonly kind: "report"; readonly report: SyncReport }
  /** The source's last list of `resource` is not taken before another one, asked for in another way, confirms it. */
  | { readonly kind: "confirm"; readonly resource: ObjectKind; readonly why: string }
  | { readonly kind: "warn"; readonly text: string };

/** A commit on its way. */
interface Pending {
  readonly delta: Delta;
  readonly through: number;
  readonly digest: Digest;
  readonly operations: number;
  readonly rebuilds: boolean;
  readonly moved: readonly MovedFrontend[];
}

/** Changed in place by {@link step} alone. */
export interface EngineState {
  readonly cluster: ClusterState;
  /** Id of the ledger. */
  ledger: string;
  /** What the kernel holds; moves only after it said yes. */
  committed: MutableElements;
  /** Digest of the static part and {@link committed}. */
  committedDigest: Digest;
  /** Flags that our tables are made with. */
  tableFlags: readonly TableFlag[];
  /** Tables to delete before ours are made; undefined while ours stand as they should. */
  rebuild: readonly Pick<Table, "family" | "name">[] | undefined;
  /** What the tables held that are to be made anew, where that is known: who had an address. */
  replaced: Elements;
  /** Whether the position in the kernel is to be written though no element changes: it is not ours, or not right. */
  repositions: boolean;
  /** Tables of another proxy that the next commit removes. */
  takeover: readonly Pick<Table, "family" | "name">[];
  gathered: Gathered;
  /** Elements that may differ from the committed ones. */
  touched: Map<SetPath, Map<ElementKey, number>>;
  /** Lists that are not taken before another one confirms them, by kind. */
  readonly held: Map<ObjectKind, HeldList>;
  /** Version of the last deletion of each kind, as far as the records that were read say. */
  readonly deletions: Map<ObjectKind, number>;
  /** Whether the source has told all it knows; nothing is committed before. */
  synced: boolean;
  /** Whether rules stand that follow records which the ledger does not hold: they stay until the cluster was listed. */
  standsUnknown: boolean;
  pending: Pending | undefined;
  /** Whether what is planned next follows from a listing, and nothing has happened since. */
  listed: boolean;
  /** Rejections in a row. */
  rejections: number;
  /** When the first of them was: RFC 3339; "" while there is none. */
  rejectedSince: string;
  appendedOffset: number;
  plannedOffset: number;
  committedOffset: number;
}

/** The state before anything was read, or behind a snapshot that has brought `cluster`. */
export function newEngine(cluster: ClusterState = emptyState()): EngineState {
  // What differs from the kernel is found when that is listed.
  takeDirty(cluster);
  return {
    cluster,
    ledger: "",
    committed: new Map(),
    committedDigest: tablesDigest(cluster.tables),
    tableFlags: [],
    rebuild: [],
    replaced: new Map(),
    repositions: false,
    takeover: [],
    gathered: nothingGathered(),
    touched: new Map(),
    held: new Map(),
    deletions: new Map(),
    synced: false,
    standsUnknown: false,
    pending: undefined,
    listed: false,
    rejections: 0,
    rejectedSince: "",
    appendedOffset: cluster.folded,
    plannedOffset: -1,
    committedOffset: -1,
  };
}

/** Takes one input and returns what must be done. Throws only InvariantError. */
export function step(state: EngineState, input: Input): Effect[] {
  const effects = react(state, input);
  const { appendedOffset, plannedOffset, committedOffset, cluster } = state;
  assert(
    appendedOffset >= cluster.folded && cluster.folded >= plannedOffset && plannedOffset >= committedOffset,
    `positions out of order: appended ${appendedOffset}, folded ${cluster.folded}, planned ${plannedOffset}, committed ${committedOffset}`,
  );
  return effects;
}

function react(state: EngineState, input: Input): Effect[] {
  switch (input.kind) {
    case "opened":
      state.ledger = input.ledger;
      state.tableFlags = input.flags ?? [];
      // What was complete once is served on, also while the source cannot be reached.
      state.synced = input.complete === true || state.cluster.committed !== undefined;
      // What was stale while the ledger was written was dealt with then.
      takeStaleFlows(state.cluster);
      state.gathered = nothingGathered();
      return [];
    case "listed":
      return takeListing(state, input);
    case "untouched":
      return takeUntouched(state, input.position);
    case "unreadable":
      startAnew(state, input.tables);
      state.listed = true;
      return [];
    case "drift": {
      const { process, pid, changes, response, time } = input;
      const who = process === "" ? "somebody" : `${process} (process ${pid})`;
      return [
        { kind: "warn", text: `${who} changed our tables: ${changes.join(", ")}; ${response}` },
        { kind: "append", records: [{ kind: "drift", time, process, pid, changes, response }] },
      ];
    }
    case "takeover":
      state.takeover = input.tables;
      return [];
    case "batch":
      return takeBatch(state, input.batch);
    case "appended":
      return foldAppended(state, input.first, input.records);
    case "sync":
      return planCommit(state);
    case "committed":
      return noteCommitted(state, input.receipt, input.time);
    case "rejected":
      return noteRejected(state, input);
    default:
      return unreachable(input);
  }
}

function takeListing(state: EngineState, { ruleset, startedAt }: Input & { kind: "listed" }): Effect[] {
  const { tables, elements } = separated(ruleset);
  const found = { tables, elements, digest: rulesetDigest(tables, elements) };
  const effects = startedAt === undefined ? [] : noteDisagreement(state, found, startedAt);
  adopt(state, found);
  state.listed = true;
  return effects;
}

/**
 * Takes over what the kernel holds without asking for it: what the last commit left is what the ledger wants. Where it
 * wants something else by now, by records behind that commit or to another version of this program, the kernel is asked.
 */
function takeUntouched(state: EngineState, position: Position): Effect[] {
  const { tables, desired } = state.cluster;
  const digest = rulesetDigest(tables, desired);
  if (position.ledger !== state.ledger || position.digest !== digestText(digest)) return [{ kind: "list" }];
  const element = positionElement(position);
  state.rebuild = undefined;
  state.committed = new Map([...desired].map(([path, set]) => [path, new Map(set)]));
  state.committed.set(POSITION_PATH, new Map([[element.key, element]]));
  state.committedDigest = digest;
  state.plannedOffset = state.committedOffset = position.offset;
  return [];
}

/** What has become of our rules while nobody looked after them. */
function noteDisagreement(state: EngineState, found: Found, time: string): Effect[] {
  const { cluster, ledger, appendedOffset } = state;
  const recorded = { ledger, end: appendedOffset, committed: cluster.committed };
  const kind = disagreement(recorded, found);
  if (kind === undefined) return [];
  if (isUnknownPast(kind, recorded)) {
    state.standsUnknown = true;
    state.synced = false;
  }
  return [
    { kind: "warn", text: disagreementText(kind) },
    { kind: "append", records: [disagreementRecord(kind, recorded, found, time)] },
  ];
}

/** Takes over what the kernel holds: its elements where the skeleton is ours, nothing where it is not. */
function adopt(state: EngineState, found: Found): void {
  if (digestText(tablesDigest(found.tables)) !== digestText(tablesDigest(state.cluster.tables))) {
    return startAnew(state, found.tables, found.elements);
  }
  state.rebuild = undefined;
  state.committed = sharing(found.elements, state.cluster.desired);
  state.committedDigest = found.digest;
  const position = positionOf(state.committed);
  state.repositions = position?.ledger !== state.ledger || position.digest !== digestText(found.digest);
  if (position?.ledger === state.ledger && position.offset <= state.cluster.folded) {
    state.plannedOffset = state.committedOffset = position.offset;
  }
  for (const { set, key } of diff(state.committed, state.cluster.desired)) {
    if (set !== POSITION_PATH) touch(state, set, key, state.cluster.folded);
  }
}

/** A copy of `elements` in which what equals an element of `desired` is that: two copies of a cluster are one too many. */
function sharing(elements: Elements, desired: Elements): MutableElements {
  return new Map([...elements].map(([path, set]) => {
    const wanted = desired.get(path);
    return [
      path,
      new Map([...set].map(([key, element]) => {
        const same = wanted?.get(key);
        return same !== undefined && sameElement(same, element) ? [same.key, same] : [key, element];
      })),
    ];
  }));
}

/** Our tables are to be made again, in place of `old` ones, which hold `elements`. */
function startAnew(
  state: EngineState,
  old: readonly Pick<Table, "family" | "name">[],
  elements: Elements = state.committed,
): void {
  state.rebuild = old;
  if (elements.size > 0) state.replaced = elements;
  state.committed = new Map();
  state.committedDigest = tablesDigest(state.cluster.tables);
}

function foldAppended(state: EngineState, first: Offset, records: readonly LedgerRecord[]): Effect[] {
  const { cluster } = state;
  const { tables } = cluster;
  const before = remarkable(cluster);
  state.appendedOffset = first + records.length - 1;
  for (const record of records) {
    gather(state.gathered, cluster, record);
    if (record.kind === "event" && record.value === null) noteDeletion(state, record);
  }
  records.forEach((record, i) => foldRecord(cluster, (first + i) as Offset, record));
  if (cluster.tables !== tables) startAnew(state, state.rebuild ?? tables);
  const dirty = takeDirty(cluster);
  // Tables that are made anew get everything, whatever was touched.
  for (const [set, keys] of state.rebuild === undefined ? dirty : []) {
    for (const [key, cause] of keys) touch(state, set, key, cause);
  }
  return remarks(cluster, before).map(warning);
}

function warning(text: string): Effect {
  return { kind: "warn", text };
}

function noteDeletion({ deletions }: EngineState, { key, resourceVersion }: WatchEvent): void {
  const version = Number(resourceVersion);
  if (version > 0) deletions.set(key.kind, version);
}

function touch(state: EngineState, set: SetPath, key: ElementKey, cause: number): void {
  const keys = state.touched.get(set);
  if (keys === undefined) state.touched.set(set, new Map([[key, cause]]));
  else keys.set(key, cause);
}

function planCommit(state: EngineState): Effect[] {
  const { cluster, rebuild } = state;
  if (!state.synced || state.pending !== undefined) return [];
  const changes = rebuild === undefined
    ? plan(state.committed, cluster.desired, state.touched as Touched)
    : diff(new Map(), cluster.desired, cluster.causes);
  const idle = changes.length === 0 && rebuild === undefined && state.takeover.length === 0;
  if (idle && !state.repositions) {
    state.touched.clear();
    return forgetFlows(state);
  }
  const digest = advanceDigest(state.committedDigest, changes);
  const position = positionChange(state, digestText(digest));
  const transaction = [
    ...state.takeover.map(deletion),
    ...(rebuild === undefined ? [] : rebuildOperations(rebuild, cluster.tables, state.tableFlags)),
    ...elementOperations(changes, CONTAINERS),
    ...elementOperations([position], CONTAINERS),
  ];
  const delta = [...changes, position].sort(compareChanges);
  const rebuilds = rebuild !== undefined;
  const moved = movedFrontends(rebuilds ? diff(state.replaced, cluster.desired) : changes);
  state.pending = { delta, through: cluster.folded, digest, operations: transaction.length, rebuilds, moved };
  state.plannedOffset = cluster.folded;
  return [{ kind: "commit", transaction }];
}

function positionChange(state: EngineState, digest: string): ElementChange {
  const after = positionElement({ ledger: state.ledger, offset: state.cluster.folded, digest });
  const before = state.committed.get(POSITION_PATH)?.get(after.key);
  return { set: POSITION_PATH, key: after.key, before, after };
}

function rebuildOperations(
  old: readonly Pick<Table, "family" | "name">[],
  tables: readonly Table[],
  flags: readonly TableFlag[],
): Operation[] {
  const flagged = (operation: Operation): Operation =>
    operation.verb === "add" && operation.noun === "table" && flags.length > 0
      ? { ...operation, flags }
      : operation;
  return [...old.map(deletion), ...tables.flatMap(createTable).map(flagged)];
}

function deletion({ family, name }: Pick<Table, "family" | "name">): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}

function noteCommitted(state: EngineState, receipt: CommitReceipt, time: string): Effect[] {
  const pending = takePending(state);
  const { delta, through } = pending;
  applyDelta(state.committed, delta);
  state.committedDigest = pending.digest;
  state.touched.clear();
  // A chain that was emptied can go only now that no element of an earlier generation leads to it.
  for (const { set, key, after } of delta) if (isRetired(set, after)) touch(state, set, key, through);
  state.rebuild = undefined;
  state.replaced = new Map();
  state.repositions = false;
  state.takeover = [];
  state.rejections = 0;
  state.rejectedSince = "";
  const from = state.committedOffset + 1;
  state.committedOffset = through;
  const report = syncReport(state.cluster, pending, from, receipt, state.gathered);
  state.gathered = nothingGathered();
  const record = commitRecord(from, pending, receipt, time);
  return [
    { kind: "append", records: [record] },
    ...movedTexts(report.moved).map(({ text }) => warning(text)),
    { kind: "report", report },
    ...forgetFlows(state),
    ...planCommit(state),
  ];
}

/**
 * A rejected plan is not tried again as it was: the kernel is listed and the plan made from what it holds. What it
 * refuses then too is set aside, so that all others are served.
 */
function noteRejected(
  state: EngineState,
  { error, operation, time }: Input & { kind: "rejected" },
): Effect[] {
  const pending = takePending(state);
  state.plannedOffset = state.committedOffset;
  state.rejections++;
  state.rejectedSince ||= time;
  // What was to be taken over may be gone by itself.
  if (operation?.noun === "table") {
    state.takeover = state.takeover.filter((table) =>
      !(operation.verb === "delete" && table.family === operation.family && table.name === operation.table)
    );
  }
  const planned = state.rejections > 1 && state.listed;
  const owner = planned && operation !== null ? ownerOf(state.cluster, operation) : undefined;
  const { operations } = pending;
  const nothing: CommitReceipt = {
    generation: 0,
    operations,
    bytes: 0,
    renderMicroseconds: 0,
    microseconds: 0,
  };
  const record = commitRecord(state.committedOffset + 1, pending, nothing, time);
  const rejected = { ...record, outcome: "rejected", error } as const;
  if (owner !== undefined) {
    return [{ kind: "append", records: [{ ...rejected, setAside: owner }] }, { kind: "list" }];
  }
  const effects: Effect[] = [
    { kind: "append", records: [rejected] },
    { kind: "warn", text: `${error}. The rules stay as they were` },
  ];
  effects.push({ kind: "list" });
  return effects;
}

/** Flows are forgotten only now that the rules are in place which their next packet will meet. */
function forgetFlows({ cluster }: EngineState): Effect[] {
  const frontends = takeStaleFlows(cluster);
  return frontends.length === 0 ? [] : [{ kind: "forget-flows", frontends }];
}

function takePending(state: EngineState): Pending {
  const { pending } = state;
  assert(pending !== undefined, "a commit ended that was not begun");
  state.pending = undefined;
  return pending;
}
