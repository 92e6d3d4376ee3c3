// The state at every moment of a window. The records are folded once, and every value is kept with the offset of the
// record that made it. To go to another moment takes no time: what is looked up there is searched by its offset.

import { type ClusterState, ownNode } from "../fold/cluster_state.ts";
import { foldRecord, ownerOf } from "../fold/fold.ts";
import { restoredState } from "../fold/snapshot.ts";
import { nodeAddresses } from "../history/packet_words.ts";
import {
  describeKey,
  describeService,
  type EndpointSlice,
  type KubeObject,
  objectKey,
} from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { servicePorts } from "../kube/service_port.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import type { CausedElement, CausedObject, Moment, ViewSurroundings } from "./moment.ts";
import type { MeasuredRecords } from "./latency.ts";
import { PastMap, type Shown } from "./past_map.ts";
import type { ReportData } from "./report_data.ts";
import { ServiceMoments } from "./service_moments.ts";

/** The state at the moment that is shown. Only {@link moveTo} changes which one that is. */
export interface View extends Readonly<Shown> {
  readonly elements: ReadonlyMap<SetPath, ReadonlyMap<ElementKey, CausedElement>>;
  /** By `describeKey`. */
  readonly objects: ReadonlyMap<string, CausedObject>;
  /** Slices of a Service, by `describeKey`. */
  readonly slices: ReadonlyMap<ServiceName, ReadonlyMap<string, EndpointSlice>>;
  readonly surroundings: ViewSurroundings;
  /** How many ServicePorts there are. */
  readonly portCount: number;
}

/** A window, the changes of each of its records, and the state at one of its moments. */
export interface Timeline {
  /** Offset of the first record. */
  readonly first: number;
  readonly records: readonly LedgerRecord[];
  readonly moments: readonly Moment[];
  readonly view: View;
  /** Which moments changed which Service. */
  readonly services: ServiceMoments;
}

/** What latencies are measured of in `timeline`. */
export function measuredRecords({ records, first, moments }: Timeline): MeasuredRecords {
  return { records, first, hasEffect: (index) => moments[index]!.elements.length > 0 };
}

/** A timeline to which records can be added. */
export class GrowingTimeline implements Timeline {
  #first: number;
  readonly records: LedgerRecord[] = [];
  readonly moments: Moment[] = [];
  readonly view: PastView;
  readonly services: ServiceMoments;
  readonly #state: ClusterState;

  /** The timeline of a window without records, which begins with the state of `snapshot`. */
  constructor({ first, snapshot }: Pick<ReportData, "first" | "snapshot">) {
    this.#first = first;
    this.#state = restoredState(snapshot);
    this.view = new PastView(this.#state, first - 1);
    this.services = new ServiceMoments(this.#state.services.keys());
  }

  get first(): number {
    return this.#first;
  }

  /** Folds the next record. The moment that is shown stays. */
  append(record: LedgerRecord): void {
    const offset = this.first + this.records.length;
    const before = this.view.latestSurroundings;
    const moment = momentOf(this.view, this.#state, offset as Offset, record);
    this.records.push(record);
    this.moments.push(moment);
    this.view.note(offset, moment);
    const after = this.view.latestSurroundings;
    this.services.note(offset, record, moment, before === after ? [before] : [before, after]);
  }

  /** The window begins with the record at `first` from now on. A moment before it must not be shown any more. */
  forgetBefore(first: number): void {
    this.records.splice(0, first - this.#first);
    this.moments.splice(0, first - this.#first);
    this.view.forgetBefore(first);
    this.services.forgetBefore(
      first,
      (name) => this.view.objects.latest(describeService(name)) !== undefined,
    );
    this.#first = first;
  }

  /** Shows the moment after the record at `offset`; `first - 1` is the beginning of the window. */
  moveTo(offset: number): void {
    this.view.at = offset;
  }
}

/** Makes the timeline of `data`, at its end. After each record it yields how many are folded: the caller may do other work. */
export function* timelineSteps(
  { first, snapshot, records }: ReportData,
): Generator<number, GrowingTimeline, undefined> {
  const timeline = new GrowingTimeline({ first, snapshot });
  for (const [i, record] of records.entries()) {
    timeline.append(record);
    yield i + 1;
  }
  timeline.moveTo(first + records.length - 1);
  return timeline;
}

/** The timeline of `data`, at its end. */
export function timelineOf(data: ReportData): GrowingTimeline {
  const steps = timelineSteps(data);
  for (let step = steps.next();; step = steps.next()) if (step.done) return step.value;
}

/** The states at all moments, of which one is shown. */
class PastView implements View {
  readonly elements: ReadonlyMap<SetPath, PastMap<ElementKey, CausedElement>>;
  readonly objects: PastMap<string, CausedObject>;
  readonly slices: Map<ServiceName, PastMap<string, EndpointSlice>>;
  readonly #surroundings: PastMap<"", ViewSurroundings>;
  readonly #portCount: PastMap<"", number>;
  at: number;

  /** The view of `state`, which the record at `at` left. */
  constructor(state: ClusterState, at: number) {
    this.at = at;
    this.elements = new Map([...state.desired].map(([path, set]) => {
      const causes = state.causes.get(path)!;
      const caused = [...set].map(([key, element]) =>
        [key, { ...element, cause: causes.get(key)! }] as const
      );
      return [path, new PastMap(this, new Map(caused))];
    }));
    const objects = [...state.objects].map(([key, object]) => [key, { object, cause: undefined }] as const);
    this.objects = new PastMap(this, new Map(objects));
    this.slices = new Map([...state.slices].map(([name, slices]) => [
      name,
      new PastMap(this, new Map([...slices.values()].map((slice) => [describeKey(objectKey(slice)), slice]))),
    ]));
    this.#surroundings = new PastMap(this, new Map([["", surroundingsOf(state)]]));
    const ports = objects.reduce((sum, [, { object }]) => sum + portsOf(object), 0);
    this.#portCount = new PastMap(this, new Map([["", ports]]));
  }

  get portCount(): number {
    return this.#portCount.get("")!;
  }

  get surroundings(): ViewSurroundings {
    return this.#surroundings.get("")!;
  }

  /** The surroundings after all records. */
  get latestSurroundings(): ViewSurroundings {
    return this.#surroundings.latest("")!;
  }

  /** Notes what the record at `offset` changed. */
  note(offset: number, { elements, object, surroundings }: Moment): void {
    for (const { path, key, after } of elements) this.elements.get(path)!.note(offset, key, after);
    if (surroundings !== undefined) this.#surroundings.note(offset, "", surroundings.after);
    if (object === undefined) return;
    this.objects.note(offset, object.key, object.after);
    const more = portsOf(object.after?.object) - portsOf(object.before?.object);
    if (more !== 0) this.#portCount.note(offset, "", this.#portCount.latest("")! + more);
    // A slice can change its Service with its label.
    const [before, after] = [sliceOwner(object.before), sliceOwner(object.after)];
    if (before !== undefined && before.owner !== after?.owner) {
      this.slices.get(before.owner)!.note(offset, object.key, undefined);
    }
    if (after !== undefined) this.#slicesOf(after.owner).note(offset, object.key, after.slice);
  }

  /** Forgets what no moment from the record at `first` on shows. */
  forgetBefore(first: number): void {
    for (const set of this.elements.values()) set.forgetBefore(first);
    this.objects.forgetBefore(first);
    this.#surroundings.forgetBefore(first);
    this.#portCount.forgetBefore(first);
    for (const [name, slices] of this.slices) {
      slices.forgetBefore(first);
      if (slices.isEmpty) this.slices.delete(name);
    }
  }

  #slicesOf(owner: ServiceName): PastMap<string, EndpointSlice> {
    const known = this.slices.get(owner);
    if (known !== undefined) return known;
    const made = new PastMap<string, EndpointSlice>(this);
    this.slices.set(owner, made);
    return made;
  }
}

/** How many ServicePorts an object has. */
function portsOf(object: KubeObject | undefined): number {
  return object?.kind === "Service" ? servicePorts(object).length : 0;
}

/** A slice with the Service that it belongs to; undefined for what is no slice, or a slice of none. */
function sliceOwner(
  caused: CausedObject | undefined,
): { owner: ServiceName; slice: EndpointSlice } | undefined {
  if (caused?.object.kind !== "EndpointSlice") return undefined;
  const owner = ownerOf(caused.object);
  return owner === undefined ? undefined : { owner, slice: caused.object };
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

/** Folds one record into `state` and returns its changes. `view` has no record after it, and is not changed. */
function momentOf(view: PastView, state: ClusterState, offset: Offset, record: LedgerRecord): Moment {
  const { touched } = foldRecord(state, offset, record);
  const elements = [...touched].flatMap(([path, keys]) =>
    [...keys.keys()].map((key) => {
      const element = state.desired.get(path)!.get(key);
      const after = element && { ...element, cause: state.causes.get(path)!.get(key)! };
      return { path, key, before: view.elements.get(path)!.latest(key), after };
    })
  );
  const before = view.latestSurroundings;
  const surroundings = changedSurroundings(before, state, record);
  return {
    elements,
    ...(record.kind === "event" ? { object: objectChange(view, offset, record) } : {}),
    ...(surroundings === undefined ? {} : { surroundings: { before, after: surroundings } }),
  };
}

/** The change of an event to its object. */
function objectChange(
  view: PastView,
  offset: number,
  { key, value }: LedgerRecord & { readonly kind: "event" },
) {
  const name = describeKey(key);
  const before = view.objects.latest(name);
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
