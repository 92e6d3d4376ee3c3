// The state of a few Services, from a snapshot of which no other lines are read. What follows from all Services together is not in it, so
// it says which changes can be made without knowing them.

import type { KubeObject, ObjectKey } from "../kube/objects.ts";
import { describeKey, describeService, objectKey } from "../kube/objects.ts";
import { partsOfService, type ServiceName, serviceName } from "../kube/service_name.ts";
import type { EventRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import type { ClusterState } from "./cluster_state.ts";
import { foldRecord, ownerOfSlice } from "./fold.ts";
import type { FoldChanges } from "./fold_changes.ts";
import { FOLD_VERSION } from "./fold_version.ts";
import { sameElement } from "../nft/ruleset.ts";
import type { ElementResource, ServiceResource } from "./resource.ts";
import type { ServiceProgram } from "./service_program.ts";
import { restoredState, type SnapshotLine } from "./snapshot.ts";
import { isSmall } from "./waiting.ts";

/** The lines of a snapshot, to be found by their order. */
export interface OrderedLines {
  /** The line for which `compare` returns 0: negative numbers are for lines before it, positive ones for those behind it. */
  find(compare: (line: SnapshotLine) => number): SnapshotLine | undefined;
}

type LineOf<Kind extends SnapshotLine["kind"]> = SnapshotLine & { readonly kind: Kind };

/** Kinds of lines, in the order of a snapshot. */
const KINDS: readonly SnapshotLine["kind"][] = ["state", "object", "slots", "causes"];

function nameOf(line: SnapshotLine): string {
  return line.kind === "object"
    ? describeKey(objectKey(line.value))
    : line.kind === "slots"
    ? line.service
    : "";
}

/** The line of `kind` that is of `name`; undefined where there is none. */
function lineOf<Kind extends SnapshotLine["kind"]>(
  lines: OrderedLines,
  kind: Kind,
  name = "",
): LineOf<Kind> | undefined {
  const found = lines.find((line) => {
    const kinds = KINDS.indexOf(line.kind) - KINDS.indexOf(kind);
    if (kinds !== 0) return kinds;
    const its = nameOf(line);
    return its === name ? 0 : its < name ? -1 : 1;
  });
  return isOf(found, kind) ? found : undefined;
}

function isOf<Kind extends SnapshotLine["kind"]>(
  line: SnapshotLine | undefined,
  kind: Kind,
): line is LineOf<Kind> {
  return line?.kind === kind;
}

/** What a snapshot says of the whole state; undefined where another version of the fold wrote it. */
export function stateLine(lines: OrderedLines): LineOf<"state"> | undefined {
  const line = lineOf(lines, "state");
  return line?.fold === FOLD_VERSION ? line : undefined;
}

/** The object that a snapshot has at `key`. */
export function snapshotObject(lines: OrderedLines, key: ObjectKey): KubeObject | undefined {
  return lineOf(lines, "object", describeKey(key))?.value;
}

/** A record with its offset. */
export interface OffsetRecord {
  readonly offset: Offset;
  readonly record: LedgerRecord;
}

/** Some Services of a snapshot, with the records behind it. */
class PartialState {
  /** Names of Services to which nothing matters that is not in the state: no other one claims what they claim, and they never waited. */
  readonly #independent: Set<ServiceName>;

  /** `alone`: those that claim nothing that another one claims. */
  constructor(readonly state: ClusterState, alone: ReadonlySet<ServiceName>) {
    this.#independent = new Set(alone);
    this.#keepSmall(alone);
  }

  /** Whether nothing matters to the Services `names` that is not in the state. */
  areIndependent(names: ReadonlySet<ServiceName>): boolean {
    return names.isSubsetOf(this.#independent);
  }

  /** Folds a record behind the snapshot, which concerns Services of the state. */
  fold({ offset, record }: OffsetRecord): void {
    const owners = record.kind === "event" ? this.#owners(record) : [];
    foldRecord(this.state, offset, record);
    this.#keepSmall(owners);
  }

  /**
   * Folds a change of a slice. False where what it changes does not follow from the objects of its Services alone, or where the log
   * must say something about it: then the whole state is needed.
   */
  change(offset: Offset, event: EventRecord, changes: FoldChanges): boolean {
    const before = this.#owners(event).map((name) => ({ name, program: this.#programOf(name) }));
    foldRecord(this.state, offset, event, changes);
    const { conflicts, omissions, setAside, leftOut } = changes;
    this.#keepSmall(before.map(({ name }) => name));
    return (conflicts ?? omissions ?? setAside ?? leftOut) === undefined &&
      before.every(({ name, program }) => this.#isIndependent(name, program));
  }

  /** The Services that have the slice of `event`, before and after it. */
  #owners({ key, value }: EventRecord): ServiceName[] {
    return [this.state.objects.at(key), value].flatMap((slice) => ownerOfSlice(slice) ?? []);
  }

  #isIndependent(name: ServiceName, before: ServiceProgram | undefined): boolean {
    const now = this.#programOf(name);
    if (before === undefined || now === undefined) return false;
    return this.#independent.has(name) && hasElementsOf(before, now) && hasElementsOf(now, before) &&
      now.resources.all.every(({ claim }) => this.state.claims.get(claim)?.length === 1);
  }

  #programOf(name: ServiceName): ServiceProgram | undefined {
    return this.state.programs.get(name);
  }

  /** Services that are not small may wait for others, which are not known here. */
  #keepSmall(names: Iterable<ServiceName>): void {
    const { state } = this;
    for (const name of names) {
      if (!isSmall(state, state.serviceTable.named(name))) this.#independent.delete(name);
    }
  }
}

/**
 * The Services `names`, and those that `records` change otherwise than by their slices, from a snapshot and the `records` behind it.
 * Undefined where the snapshot does not have what is needed, where Services that are not among these may matter to `names`, or where
 * there are more than `most`.
 */
export function partialState(
  lines: OrderedLines,
  names: ReadonlySet<ServiceName>,
  records: readonly OffsetRecord[],
  most: number,
): PartialState | undefined {
  const head = stateLine(lines);
  // One that is set aside claims nothing in the snapshot, and may be served behind it. Another configuration changes all Services.
  if (head === undefined || head.aside.length > 0) return undefined;
  if (records.some(({ record }) => record.kind === "config")) return undefined;
  const changed = new Set(records.flatMap(({ record }) => changedService(record)));
  const all = names.union(changed);
  if (all.size > most) return undefined;
  const alone = new Set<ServiceName>();
  const needed: SnapshotLine[] = [head];
  const node = lineOf(lines, "object", describeKey({ kind: "Node", namespace: "", name: head.nodeName }));
  if (node !== undefined) needed.push(node);
  const rules: SnapshotLine[] = [];
  for (const name of all) {
    const service = lineOf(lines, "object", describeService(name));
    if (service !== undefined) needed.push(service);
    const slots = lineOf(lines, "slots", name);
    if (slots === undefined) continue;
    const slices = slicesOf(lines, slots, head.bounds?.burst?.small);
    if (slices === undefined) return undefined;
    needed.push(...slices);
    rules.push(slots);
    if (!slots.contested && !changed.has(name)) alone.add(name);
  }
  const partial = new PartialState(restoredState([...needed, ...rules]), alone);
  for (const one of records) {
    if (concerns(partial.state, all, one.record)) partial.fold(one);
  }
  return partial.areIndependent(names) ? partial : undefined;
}

/** The slices of a Service that has at most so many elements and slices; undefined where one is missing, or where it has more. */
function slicesOf(
  lines: OrderedLines,
  { service, slices, causes }: LineOf<"slots">,
  most = Infinity,
): SnapshotLine[] | undefined {
  if (slices === undefined || slices.length > most || causes.length > most) return undefined;
  const { namespace } = partsOfService(service);
  const found = slices.map((name) =>
    lineOf(lines, "object", describeKey({ kind: "EndpointSlice", namespace, name }))
  );
  return found.every((line) => line !== undefined) ? found : undefined;
}

function changedService(record: LedgerRecord): ServiceName[] {
  if (record.kind !== "event" || record.key.kind !== "Service") return [];
  return [serviceName(record.key.namespace, record.key.name)];
}

/** Whether `record` may change what a state of the Services `names` has. */
function concerns(state: ClusterState, names: ReadonlySet<ServiceName>, record: LedgerRecord): boolean {
  if (record.kind !== "event") return true;
  const { key, value } = record;
  if (key.kind === "Service") return names.has(serviceName(key.namespace, key.name));
  if (key.kind !== "EndpointSlice" || state.objects.at(key) !== undefined) return true;
  const owner = ownerOfSlice(value);
  return owner !== undefined && names.has(owner);
}

/** Whether `program` has every single element of `other`: these may be of several Services. */
function hasElementsOf(program: ServiceProgram, other: ServiceProgram): boolean {
  return other.resources.all.every((resource) =>
    resource.kind === "frontend" || isThere(program.resources.get(resource.claim), resource)
  );
}

function isThere(one: ServiceResource | undefined, { element }: ElementResource): boolean {
  return one?.kind === "element" && sameElement(one.element, element);
}
