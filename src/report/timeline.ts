// The state at every moment of a window. The records are folded once, and the changes of each are kept with the values
// before and after. To go to another moment takes time for the changes in between, not for the size of the cluster.

import { type ClusterState, ownNode } from "../fold/cluster_state.ts";
import type { OwnNode } from "../fold/endpoints.ts";
import { foldRecord, ownerOf } from "../fold/fold.ts";
import { restoredState } from "../fold/snapshot.ts";
import { type Contests, nodeAddresses } from "../history/packet_words.ts";
import { describeKey, type EndpointSlice, type KubeObject, objectKey } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import type { Address } from "../nft/data_type.ts";
import type { Element, ElementKey, SetPath, Table } from "../nft/ruleset.ts";
import type { ReportData } from "./report_data.ts";

/** An element and its cause. */
export interface CausedElement extends Element {
  /** Offset of the record that made it what it is. */
  readonly cause: number;
}

/** An object and its cause. */
interface CausedObject {
  readonly object: KubeObject;
  /** Offset of the event that it is from; undefined for one before the window. */
  readonly cause: number | undefined;
}

/** The state apart from elements and objects. Immutable: a record that changes any of it makes a new value. */
export interface ViewSurroundings extends Contests {
  readonly tables: readonly Table[];
  readonly node: OwnNode;
  /** All addresses that the own Node object names. */
  readonly addresses: readonly Address[];
  /** Services that are set aside, each with the reason. */
  readonly aside: ReadonlyMap<ServiceName, string>;
}

/** The state at one moment. Only {@link moveTo} changes it, in place. */
export interface View {
  /** Offset of the last record folded. */
  at: number;
  readonly elements: Map<SetPath, Map<ElementKey, CausedElement>>;
  /** By `describeKey`. */
  readonly objects: Map<string, CausedObject>;
  /** Slices of a Service, by `describeKey`. */
  readonly slices: Map<ServiceName, Map<string, EndpointSlice>>;
  surroundings: ViewSurroundings;
}

/** One element before a record and after it. */
export interface CausedChange {
  readonly path: SetPath;
  readonly key: ElementKey;
  readonly before: CausedElement | undefined;
  readonly after: CausedElement | undefined;
}

/** The changes of one record. */
interface Moment {
  readonly elements: readonly CausedChange[];
  readonly object?: { readonly key: string; readonly before?: CausedObject; readonly after?: CausedObject };
  readonly surroundings?: { readonly before: ViewSurroundings; readonly after: ViewSurroundings };
}

/** A window, the changes of each of its records, and the state at one of its moments. */
export interface Timeline {
  /** Offset of the first record. */
  readonly first: number;
  readonly records: readonly LedgerRecord[];
  readonly moments: readonly Moment[];
  readonly view: View;
}

/** The timeline of `data`, at its end. */
export function timelineOf({ first, snapshot, records }: ReportData): Timeline {
  const state = restoredState(snapshot);
  const view = viewOf(state);
  const moments = records.map((record, i) => {
    const moment = momentOf(view, state, (first + i) as Offset, record);
    apply(view, moment, "after");
    view.at = first + i;
    return moment;
  });
  return { first, records, moments, view };
}

/** Changes the view to the moment after the record at `offset`; `first - 1` is the beginning of the window. */
export function moveTo({ first, moments, view }: Timeline, offset: number): void {
  while (view.at < offset) apply(view, moments[++view.at - first]!, "after");
  while (view.at > offset) apply(view, moments[view.at-- - first]!, "before");
}

/** The view of `state`: its elements with their causes, its objects, its slices by Service. */
function viewOf(state: ClusterState): View {
  const caused = [...state.desired].map(([path, set]) => {
    const causes = state.causes.get(path)!;
    return [
      path,
      new Map([...set].map(([key, element]) => [key, { ...element, cause: causes.get(key)! }])),
    ] as const;
  });
  return {
    at: state.folded,
    elements: new Map(caused),
    objects: new Map([...state.objects].map(([key, object]) => [key, { object, cause: undefined }])),
    slices: new Map([...state.slices].map(([name, slices]) => [
      name,
      new Map([...slices.values()].map((slice) => [describeKey(objectKey(slice)), slice])),
    ])),
    surroundings: surroundingsOf(state),
  };
}

function surroundingsOf(state: ClusterState): ViewSurroundings {
  const contested = new Set(state.contested);
  return {
    tables: state.tables,
    node: state.node,
    addresses: nodeAddresses(ownNode(state)),
    aside: new Map(state.aside),
    contested,
    claims: new Map([...contested].map((claim) => [claim, state.claims.get(claim)!])),
    titles: new Map(state.titles),
  };
}

/** Folds one record into `state` and returns its changes. `view` is the state before the record, and is not changed. */
function momentOf(view: View, state: ClusterState, offset: Offset, record: LedgerRecord): Moment {
  const { touched } = foldRecord(state, offset, record);
  const elements = [...touched].flatMap(([path, keys]) =>
    [...keys.keys()].map((key) => {
      const element = state.desired.get(path)!.get(key);
      const after = element && { ...element, cause: state.causes.get(path)!.get(key)! };
      return { path, key, before: view.elements.get(path)!.get(key), after };
    })
  );
  const surroundings = changedSurroundings(view.surroundings, state, record);
  return {
    elements,
    ...(record.kind === "event" ? { object: objectChange(view, offset, record) } : {}),
    ...(surroundings === undefined
      ? {}
      : { surroundings: { before: view.surroundings, after: surroundings } }),
  };
}

/** The change of an event to its object. */
function objectChange(view: View, offset: number, { key, value }: LedgerRecord & { readonly kind: "event" }) {
  const name = describeKey(key);
  const before = view.objects.get(name);
  return {
    key: name,
    ...(before === undefined ? {} : { before }),
    ...(value === null ? {} : { after: { object: value, cause: offset } }),
  };
}

/**
 * The surroundings after `record`; undefined where it cannot have changed them. Most records are of slices, which
 * cannot unless a Service is set aside.
 */
function changedSurroundings(
  before: ViewSurroundings,
  state: ClusterState,
  record: LedgerRecord,
): ViewSurroundings | undefined {
  const slice = record.kind === "event" && record.key.kind === "EndpointSlice";
  if (slice && before.aside.size === 0 && state.aside.size === 0) return undefined;
  if (record.kind === "drift" || record.kind === "gap") return undefined;
  if (record.kind === "commit" && record.setAside === undefined && !record.advances) return undefined;
  return surroundingsOf(state);
}

/** Applies the changes of one moment to the view: their values after it, or to go back those before it. */
function apply(view: View, { elements, object, surroundings }: Moment, side: "before" | "after"): void {
  for (const change of elements) {
    const set = view.elements.get(change.path)!;
    const element = change[side];
    if (element === undefined) set.delete(change.key);
    else set.set(change.key, element);
  }
  if (object !== undefined) {
    const [from, to] = side === "after" ? [object.before, object.after] : [object.after, object.before];
    replaceObject(view, object.key, from, to);
  }
  if (surroundings !== undefined) view.surroundings = surroundings[side];
}

/** Replaces an object. A slice can change its Service with its label, so it is moved between the Services too. */
function replaceObject(
  { objects, slices }: View,
  key: string,
  from: CausedObject | undefined,
  to: CausedObject | undefined,
): void {
  if (to === undefined) objects.delete(key);
  else objects.set(key, to);
  if (from?.object.kind === "EndpointSlice") {
    const owner = ownerOf(from.object);
    if (owner !== undefined) slices.get(owner)?.delete(key);
  }
  if (to?.object.kind !== "EndpointSlice") return;
  const owner = ownerOf(to.object);
  if (owner === undefined) return;
  const owned = slices.get(owner);
  if (owned === undefined) slices.set(owner, new Map([[key, to.object]]));
  else owned.set(key, to.object);
}
