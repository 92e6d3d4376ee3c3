// A ClusterState as lines of a snapshot, and back. A snapshot has the objects, and what does not follow from them: the slot
// of each endpoint, the Services that are set aside, the configuration. Everything else is made again from those, so
// fold(all) = fold(snapshot + tail). A property test checks this law at every offset.

import { assert } from "../invariant.ts";
import { SORTED_AT_ONCE } from "../limits/rules.ts";
import type { ServiceBounds } from "../kube/bounds.ts";
import { sameValue } from "../kube/equality.ts";
import type { KubeObject, Node, ObjectKind } from "../kube/objects.ts";
import { noteVersion, objectKey } from "../kube/objects.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import type { Offset } from "../ledger/record.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import { type ClusterState, emptyState } from "./cluster_state.ts";
import { ownerOfSlice, settleRestored } from "./fold.ts";
import { FOLD_VERSION } from "./fold_version.ts";
import { isUnfinished } from "./unfinished.ts";
import type { ReadByKey } from "./kept_map.ts";
import { namedNode } from "./own_node.ts";
import { elementsInSteps } from "./service_elements.ts";
import { PATHS } from "./skeleton.ts";
import { NO_PROGRAM, type ServiceProgram } from "./service_program.ts";
import type { Slots } from "./slots.ts";
import { sortInSteps } from "./sorting.ts";

/** A state as JSON values: one line for the state, then each object, the slots of each Service, and other causes. */
export type SnapshotLine =
  | {
    readonly kind: "state";
    /** FOLD_VERSION of the program that wrote it; absent up to 0.6.0. */
    readonly fold?: number;
    readonly folded: number;
    readonly committed: number | null;
    /** Absent where no gap is open, and before version 0.7.0. */
    readonly gap?: number;
    readonly config: ProxyConfig;
    /** Absent where there are none. */
    readonly bounds?: ServiceBounds;
    /** Absent where it is 0. */
    readonly changed?: number;
    readonly nodeName: string;
    readonly nodeDeleted: boolean;
    /** The newest version of the objects of each kind; absent before version 0.7.0. */
    readonly versions?: readonly (readonly [ObjectKind, number])[];
    /** The own Node object as last received, where it differs from the present one. Absent before version 0.7.0. */
    readonly knownNode?: Node;
    /** Services that are set aside: name and reason. */
    readonly aside: readonly (readonly [string, string])[];
    /** Those of them whose namespace has too much, each with its elements. Absent where there are none. */
    readonly crowded?: readonly (readonly [string, number])[];
  }
  | { readonly kind: "object"; readonly value: KubeObject }
  | {
    readonly kind: "slots";
    readonly service: string;
    readonly slots: readonly (readonly [key: string, slots: StoredSlots])[];
    /** The cause of each element, in the order of `elementsOf`. */
    readonly causes: readonly Offset[];
    /** Names of the slices; absent before version 0.7.0. */
    readonly slices?: readonly string[];
    /** Whether other Services claim something that this one claims. Absent where none do. */
    readonly contested?: true;
  }
  /** The causes of elements that belong to no Service. */
  | {
    readonly kind: "causes";
    readonly set: SetPath;
    readonly causes: readonly (readonly [key: ElementKey, cause: Offset])[];
  };

/** As {@link Slots}, with a class that is a power of two: version 0.6.0 has no chains for others, and it may be rolled back to. */
interface StoredSlots extends Slots {
  /** The class itself, where it is no power of two. */
  readonly exact?: number;
}

/** What of a ClusterState a snapshot is made of. */
export interface SnapshotState extends
  Pick<
    ClusterState,
    | "folded"
    | "committed"
    | "gap"
    | "config"
    | "bounds"
    | "changed"
    | "node"
    | "nodeDeleted"
    | "knownNode"
    | "aside"
    | "crowded"
  > {
  readonly objects: ReadByKey<string, KubeObject>;
  readonly programs: ReadByKey<ServiceName, ServiceProgram>;
  readonly claims: Pick<ReadByKey<string, readonly ServiceName[]>, "get">;
  readonly causes: ReadonlyMap<SetPath, ReadByKey<ElementKey, Offset>>;
}

/**
 * `state` as it is now: a snapshot is written in pieces while more records are folded. Dispose of it once that is done. It costs
 * what changes meanwhile, whatever the size of the state.
 */
export function snapshotState(state: ClusterState): SnapshotState & Disposable {
  const { folded, committed, gap, config, bounds, changed, node, nodeDeleted, knownNode } = state;
  assert(!isUnfinished(state), "a snapshot has no elements, so they must be those of the objects");
  const all = new DisposableStack();
  const kept = <Of extends Disposable>(map: { keep(): Of }) => all.use(map.keep());
  return {
    ...{ folded, committed, gap, config, bounds, changed, node, nodeDeleted, knownNode },
    aside: new Map(state.aside),
    crowded: new Map(state.crowded),
    objects: kept(state.objects),
    programs: kept(state.programs),
    claims: kept(state.claims),
    causes: new Map([...state.causes].map(([path, causes]) => [path, kept(causes)])),
    [Symbol.dispose]: () => all.dispose(),
  };
}

const NODE_SETS = ["nodeport-ips", "service-cidrs"] as const;

/** `state` as lines. The same state gives the same lines. */
export function* snapshotLines(state: SnapshotState): Generator<SnapshotLine> {
  for (const line of snapshotInSteps(state)) if (line !== undefined) yield line;
}

/** As {@link snapshotLines}, with undefined where the caller may pause: from there to the next it takes a few milliseconds. */
export function* snapshotInSteps(state: SnapshotState): Generator<SnapshotLine | undefined> {
  const objects = yield* sortInSteps([...state.objects.entries()], byKey);
  const { versions, slices } = yield* summed(objects);
  yield {
    kind: "state",
    fold: FOLD_VERSION,
    folded: state.folded,
    committed: state.committed ?? null,
    ...(state.gap === undefined ? {} : { gap: state.gap }),
    config: state.config,
    ...(state.bounds === undefined ? {} : { bounds: state.bounds }),
    ...(state.changed === 0 ? {} : { changed: state.changed }),
    nodeName: state.node.name,
    nodeDeleted: state.nodeDeleted,
    ...remembered(state),
    versions: [...versions],
    aside: [...state.aside].sort(byKey),
    ...(state.crowded.size === 0 ? {} : { crowded: [...state.crowded].sort(byKey) }),
  };
  for (const [, value] of objects) yield { kind: "object", value };
  for (const [service, { slots, resources }] of yield* sortInSteps([...state.programs.entries()], byKey)) {
    const causes = yield* causesOf(state, service);
    const stored = [...slots].map(([list, one]) => [list, storedSlots(one)] as const);
    const contested = resources.all.some(({ claim }) => state.claims.get(claim)?.length !== 1);
    yield {
      kind: "slots",
      service,
      slots: stored.sort(byKey),
      causes,
      slices: slices.get(service) ?? [],
      ...(contested ? { contested } : {}),
    };
  }
  for (const set of FAMILIES.flatMap((family) => NODE_SETS.map((name) => PATHS[family][name]))) {
    yield { kind: "causes", set, causes: [...state.causes.get(set)!.entries()].sort(byKey) };
  }
}

/** What a snapshot says of all objects together; yields where the caller may pause. */
function* summed(objects: readonly (readonly [string, KubeObject])[]): Generator<undefined, {
  readonly versions: ReadonlyMap<ObjectKind, number>;
  /** The names of the slices of each Service, in order. */
  readonly slices: ReadonlyMap<ServiceName, readonly string[]>;
}> {
  const versions = new Map<ObjectKind, number>();
  const slices = new Map<ServiceName, string[]>();
  for (const [i, [, object]] of objects.entries()) {
    if (i % SORTED_AT_ONCE === SORTED_AT_ONCE - 1) yield;
    noteVersion(versions, object.kind, object.metadata.resourceVersion);
    const owner = ownerOfSlice(object);
    if (owner === undefined) continue;
    const names = slices.get(owner);
    if (names === undefined) slices.set(owner, [object.metadata.name]);
    else names.push(object.metadata.name);
  }
  return { versions, slices };
}

function storedSlots(slots: Slots): Slots | StoredSlots {
  const { slotClass, endpoints } = slots;
  const power = 2 ** Math.ceil(Math.log2(slotClass));
  return power === slotClass ? slots : { slotClass: power, exact: slotClass, endpoints };
}

function restoredLists(stored: readonly (readonly [string, StoredSlots])[]): Map<string, Slots> {
  const lists = new Map<string, Slots>(stored);
  for (const [list, { exact, endpoints }] of stored) {
    if (exact !== undefined) lists.set(list, { slotClass: exact, endpoints });
  }
  return lists;
}

/** The causes of the elements of a Service, in the order of `elementsOf`; yields where the caller may pause. */
function* causesOf(state: SnapshotState, service: ServiceName): Generator<undefined, readonly Offset[]> {
  const causes: Offset[] = [];
  for (const [path, key] of yield* elementsInSteps(state, service)) {
    causes.push(state.causes.get(path)!.get(key)!);
    if (causes.length % SORTED_AT_ONCE === 0) yield;
  }
  return causes;
}

function remembered({ knownNode, objects, node }: SnapshotState): { readonly knownNode?: Node } {
  if (knownNode === undefined || sameValue(knownNode, namedNode(objects, node.name))) return {};
  return { knownNode };
}

/**
 * Whether `lines`, as read from a snapshot, are those of `state`. If they differ and another version of the fold wrote them,
 * the difference proves nothing.
 */
export function compareSnapshot(
  state: ClusterState,
  lines: readonly SnapshotLine[],
): "same" | "different" | "another version" {
  const made = JSON.parse(JSON.stringify([...snapshotLines(state)])) as SnapshotLine[];
  const [head] = lines;
  if (
    sameValue([{ ...made[0], fold: null }, ...made.slice(1)], [{ ...head, fold: null }, ...lines.slice(1)])
  ) {
    return "same";
  }
  return isOfAnotherFold(lines) ? "another version" : "different";
}

/** Whether another version of the fold wrote `lines`. What that chose, such as the class of slots, holds for what followed them. */
export function isOfAnotherFold([head]: readonly SnapshotLine[]): boolean {
  return head?.kind !== "state" || head.fold !== FOLD_VERSION;
}

/** By index and not by pattern: a snapshot compares all names, and a pattern makes an iterator for each. */
function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

/** The state that {@link snapshotLines} wrote. */
export function restoredState(lines: Iterable<SnapshotLine>): ClusterState {
  const state = emptyState();
  const causes = new Map<ServiceName, readonly Offset[]>();
  const ofSets: (SnapshotLine & { readonly kind: "causes" })[] = [];
  let nodeName = "";
  let version: number | undefined;
  let bounds: ServiceBounds | undefined;
  let changed = 0;
  for (const line of lines) {
    switch (line.kind) {
      case "state":
        Object.assign(state, {
          folded: line.folded,
          committed: line.committed ?? undefined,
          gap: line.gap,
          config: line.config,
          nodeDeleted: line.nodeDeleted,
          knownNode: line.knownNode,
        });
        state.serviceTable.proxyName = line.config.serviceProxyName;
        nodeName = line.nodeName;
        version = line.fold;
        bounds = line.bounds;
        changed = line.changed ?? 0;
        for (const [name, reason] of line.aside) state.aside.set(readServiceName(name), reason);
        for (const [name, elements] of line.crowded ?? []) state.crowded.set(readServiceName(name), elements);
        break;
      case "object":
        addObject(state, line.value);
        break;
      case "slots": {
        const service = readServiceName(line.service);
        const slots = restoredLists(line.slots);
        state.serviceTable.setProgram(state.serviceTable.named(service), { ...NO_PROGRAM, slots });
        // Version 2 changed the elements of affinity and of frontends with one or two endpoints. There may be as many in another
        // order, so their causes cannot be given to them by number.
        const other = version !== FOLD_VERSION &&
          (state.services.get(service)?.spec.sessionAffinity === "ClientIP" ||
            line.slots.some(([, { endpoints }]) => endpoints.length <= 2));
        if (line.causes !== undefined && !other) causes.set(service, line.causes);
        break;
      }
      case "causes":
        ofSets.push(line);
        break;
    }
  }
  settleRestored(state, state.folded as Offset, nodeName, bounds, causes);
  state.changed = changed;
  for (const { set, causes } of ofSets) {
    for (const [key, cause] of causes) state.desired.get(set)?.setCause(key, cause);
  }
  return state;
}

function addObject(state: ClusterState, object: KubeObject): void {
  const key = objectKey(object);
  state.objects.put(key, object);
  if (object.kind === "ServiceCIDR") state.serviceCIDRs.set(key.name, object);
}
