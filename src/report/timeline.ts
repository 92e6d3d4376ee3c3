// The state at every moment of a window: folded once, forward, while noting what each record changed, so that going to
// any other moment costs what changed in between and not what exists.

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

/** An element and the record that made it so. */
export interface CausedElement extends Element {
  /** Offset of the record. */
  readonly cause: number;
}

/** An object and the record that told of it; undefined: one before the window. */
interface ToldObject {
  readonly object: KubeObject;
  readonly told: number | undefined;
}

/** What is neither element nor object. A new value where a record changes any of it. */
export interface Surroundings extends Contests {
  readonly tables: readonly Table[];
  readonly node: OwnNode;
  /** All addresses that the own Node object names. */
  readonly addresses: readonly Address[];
  /** Services that are not served, and why. */
  readonly aside: ReadonlyMap<ServiceName, string>;
}

/** What was believed at one moment; changed in place by {@link moveTo} alone. */
export interface View {
  /** Offset of the last record folded. */
  at: number;
  readonly elements: Map<SetPath, Map<ElementKey, CausedElement>>;
  /** By `describeKey`. */
  readonly objects: Map<string, ToldObject>;
  /** Slices of a Service, by `describeKey`. */
  readonly slices: Map<ServiceName, Map<string, EndpointSlice>>;
  surroundings: Surroundings;
}

/** One element as it was before a record and after it. */
export interface ElementChange {
  readonly path: SetPath;
  readonly key: ElementKey;
  readonly before: CausedElement | undefined;
  readonly after: CausedElement | undefined;
}

interface Moment {
  readonly elements: readonly ElementChange[];
  readonly object?: { readonly key: string; readonly before?: ToldObject; readonly after?: ToldObject };
  readonly surroundings?: { readonly before: Surroundings; readonly after: Surroundings };
}

/** A window and where in it we are. */
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

/** Brings the view to the moment after the record at `offset`; `first - 1` is the beginning. */
export function moveTo({ first, moments, view }: Timeline, offset: number): void {
  while (view.at < offset) apply(view, moments[++view.at - first]!, "after");
  while (view.at > offset) apply(view, moments[view.at-- - first]!, "before");
}

function viewOf(state: ClusterState): View {
  const caused = [...state.desired].map(([path, set]) => {
    const causes = state.causes.get(path)!;
    return [
      path,
      new Map([...set].map(([key, element]) => [key, { ...element, cause: causes.get(key)! as number }])),
    ] as const;
  });
  return {
    at: state.folded,
    elements: new Map(caused),
    objects: new Map([...state.objects].map(([key, object]) => [key, { object, told: undefined }])),
    slices: new Map([...state.slices].map(([name, slices]) => [
      name,
      new Map([...slices.values()].map((slice) => [describeKey(objectKey(slice)), slice])),
    ])),
    surroundings: surroundingsOf(state),
  };
}

function surroundingsOf(state: ClusterState): Surroundings {
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

/** Folds one record into `state`; returns what it changed, seen from `view`, which stays as it was. */
function momentOf(view: View, state: ClusterState, offset: Offset, record: LedgerRecord): Moment {
  const { touched } = foldRecord(state, offset, record);
  const elements = [...touched].flatMap(([path, keys]) =>
    [...keys.keys()].map((key) => {
      const element = state.desired.get(path)!.get(key);
      const after = element && { ...element, cause: state.causes.get(path)!.get(key)! as number };
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

function objectChange(view: View, offset: number, { key, value }: LedgerRecord & { readonly kind: "event" }) {
  const name = describeKey(key);
  const before = view.objects.get(name);
  return {
    key: name,
    ...(before === undefined ? {} : { before }),
    ...(value === null ? {} : { after: { object: value, told: offset } }),
  };
}

/** Undefined where the record left them as they were. Slices cannot change them, and are most of what happens. */
function changedSurroundings(
  before: Surroundings,
  state: ClusterState,
  record: LedgerRecord,
): Surroundings | undefined {
  const slice = record.kind === "event" && record.key.kind === "EndpointSlice";
  if (slice && before.aside.size === 0 && state.aside.size === 0) return undefined;
  if (record.kind === "drift" || record.kind === "gap") return undefined;
  if (record.kind === "commit" && record.setAside === undefined) return undefined;
  return surroundingsOf(state);
}

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

function replaceObject(
  { objects, slices }: View,
  key: string,
  from: ToldObject | undefined,
  to: ToldObject | undefined,
): void {
  if (to === undefined) objects.delete(key);
  else objects.set(key, to);
  const owner = (told: ToldObject | undefined) =>
    told?.object.kind === "EndpointSlice" ? ownerOf(told.object as EndpointSlice) : undefined;
  const [old, now] = [owner(from), owner(to)];
  if (old !== undefined) slices.get(old)?.delete(key);
  if (now === undefined) return;
  const owned = slices.get(now);
  if (owned === undefined) slices.set(now, new Map([[key, to!.object as EndpointSlice]]));
  else owned.set(key, to!.object as EndpointSlice);
}
