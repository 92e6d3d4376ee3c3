// Plans a commit before the state is made. To change the rules of a few Services a start needs these alone, and to make the whole state
// of a large cluster takes several times as long. Where anything else could matter, nothing is committed early.

import { copyOf, type Delta } from "../plan/delta.ts";
import { isConfigured } from "../fold/cluster_state.ts";
import { ownerOfSlice } from "../fold/fold.ts";
import { noChanges } from "../fold/fold_changes.ts";
import { type OffsetRecord, type OrderedLines, partialState, snapshotObject } from "../fold/partial_state.ts";
import { CONTAINERS } from "../fold/skeleton.ts";
import { news } from "../ingest/relist.ts";
import type { SourceBatch } from "../ingest/source.ts";
import { describeKey, type KubeObject, type WatchEvent } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { ConfigRecord, EventRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import { EARLY_EVENTS_MAX, EARLY_SERVICES_MAX } from "../limits/commits.ts";
import type { Transaction } from "../nft/transaction.ts";
import { advanceDigest, digestText, readDigest } from "../plan/digest.ts";
import { elementOperations, plan } from "../plan/plan.ts";
import { type Position, POSITION_PATH, positionElement } from "../plan/position.ts";
import type { Committed } from "./commit_record.ts";

/** What a start knows before it has made the state. */
export interface EarlyInput {
  /** The newest snapshot. */
  readonly lines: OrderedLines;
  /** All records behind it. */
  readonly records: readonly OffsetRecord[];
  /** What the last commit put into the kernel, and is there still. */
  readonly position: Position;
  /** The configuration of this start. */
  readonly config: Pick<ConfigRecord, "nodeName" | "proxy" | "bounds">;
}

/** What is to be appended, and then committed. */
export interface EarlyPlan extends Committed {
  readonly records: readonly EventRecord[];
  readonly transaction: Transaction;
}

/**
 * Plans what `batch` changes; `offsets` gives the offset of the i-th record that is appended next. Undefined where that must wait for
 * the state.
 */
export function planEarly(
  { lines, records, position, config }: EarlyInput,
  batch: SourceBatch,
  offsets: (i: number) => Offset,
): EarlyPlan | undefined {
  if (batch.kind !== "events" || batch.problems.length > 0 || batch.events.length > EARLY_EVENTS_MAX) {
    return undefined;
  }
  // Rules that no commit has brought yet are for the whole state.
  if (records.some(({ offset, record }) => offset > position.offset && changesRules(record))) {
    return undefined;
  }
  const names = servicesOf(lines, records, batch.events);
  const partial = names && partialState(lines, names, records, EARLY_SERVICES_MAX);
  if (partial === undefined) return undefined;
  const { state } = partial;
  if (!isConfigured(state, config) || state.gap !== undefined) return undefined;
  const committed = copyOf(state.desired);
  const changes = noChanges();
  const events = news(state.objects, batch.events).map((event) => ({ kind: "event", ...event } as const));
  if (!events.every((event, i) => partial.change(offsets(i), event, changes))) return undefined;
  const delta = plan(committed, state.desired, changes.touched);
  if (delta.length === 0) return undefined;
  const digest = advanceDigest(readDigest(position.digest), delta);
  const through = state.folded;
  const after = positionElement({ ledger: position.ledger, offset: through, digest: digestText(digest) });
  const moved: Delta = [{ set: POSITION_PATH, key: after.key, before: positionElement(position), after }];
  return {
    records: events,
    delta,
    through,
    digest,
    transaction: [...elementOperations(delta, CONTAINERS), ...elementOperations(moved, CONTAINERS)],
  };
}

/** Whether rules may follow from `record` that no commit before it has brought. */
function changesRules(record: LedgerRecord): boolean {
  if (record.kind !== "commit") return record.kind === "event";
  return record.advances === true || record.left !== undefined || record.setAside !== undefined;
}

/** The Services of the slices that `events` change, before and after; undefined where they change anything else. */
function servicesOf(
  lines: OrderedLines,
  records: readonly OffsetRecord[],
  events: readonly WatchEvent[],
): Set<ServiceName> | undefined {
  const newest = new Map<string, KubeObject | null>();
  for (const { record } of records) {
    if (record.kind === "event" && record.key.kind === "EndpointSlice") {
      newest.set(describeKey(record.key), record.value);
    }
  }
  const names = new Set<ServiceName>();
  for (const { key, value } of events) {
    if (key.kind !== "EndpointSlice") return undefined;
    const described = describeKey(key);
    const known = newest.get(described);
    for (const slice of [known === undefined ? snapshotObject(lines, key) : known, value]) {
      const owner = ownerOfSlice(slice);
      if (owner !== undefined) names.add(owner);
    }
  }
  return names;
}
