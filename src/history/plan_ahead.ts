// What a node would do if objects were applied: laid over the state at a position and folded, as `kubectl apply` would, then compared.
// What counts are the packets, from each class of clients to each frontend that the objects concern; the elements are there too.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { type FoldChanges, noChanges } from "../fold/fold_changes.ts";
import { readFrontendClaim } from "../fold/resource.ts";
import { advance } from "../fold/steps.ts";
import { titleText } from "../fold/title.ts";
import { isUnfinished } from "../fold/unfinished.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import { describeKey, type KubeObject, type ObjectKey, objectKey } from "../kube/objects.ts";
import type { ServiceManifest } from "../kube/service_manifest.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import { plainElement } from "../nft/objects.ts";
import { type Element, sameElement, type SetPath } from "../nft/ruleset.ts";
import { endpointText } from "../nft/text.ts";
import { laidOver } from "./laid_over.ts";
import { objectChanges } from "./object_diff.ts";
import { packetsElsewhere, type PlannedPacket, type PlannedState } from "./planned_packets.ts";
import type { Packet } from "./trace.ts";
import { unknownEndpoints } from "./unknown_endpoints.ts";

/** What a node would do with objects that are applied, and others that are deleted. */
export interface PlanAhead {
  /** Offset of the last record of the state. */
  readonly at: number;
  /** The objects that would be applied, and those that would be deleted. */
  readonly objects: readonly PlannedObject[];
  /** The elements that would differ. */
  readonly elements: readonly PlannedElement[];
  /** The packets that would go elsewhere. */
  readonly packets: readonly PlannedPacket[];
  /** Frontends that more than one Service would claim, and did not before, as text. */
  readonly conflicts: readonly string[];
  /** Services that would be set aside, or of which parts would be left out, as text. */
  readonly leftOut: readonly string[];
  /** What cannot be known before the API server has stored the objects, as text. */
  readonly unknown: readonly string[];
  /** Objects that the API server would refuse, with its reasons, as text. They stay as they are. */
  readonly refused: readonly string[];
  /** How many of `packets` are served now and would not be. */
  readonly unserved: number;
}

/** An object that would be applied, or deleted. */
export interface PlannedObject {
  /** `Service shop/web`. */
  readonly object: string;
  /** What would become of it. */
  readonly verb: "appears" | "changes" | "stays" | "goes";
  /** As `log` prints them. */
  readonly changes: readonly string[];
}

/** An element that would appear, go or have another value. */
export interface PlannedElement {
  /** Its set or map: `ip ledgerproxy service-ips`. */
  readonly set: SetPath;
  /** null: there is none. */
  readonly before: Element | null;
  /** null: there would be none. */
  readonly after: Element | null;
}

/** What is to happen. */
export interface Applied {
  /** Objects that are applied, as manifests have them: what the API server would set is taken from what it has stored. */
  readonly objects: readonly KubeObject[];
  /** Further fields of the manifests of Services, by `describeKey`. */
  readonly manifests?: ReadonlyMap<string, ServiceManifest>;
  /** Objects that are deleted. */
  readonly deleted?: readonly ObjectKey[];
}

/** What would change if `applied` happened to `state`, which it does: the caller has made the state for this. `at`: its offset. */
export function planAhead(state: ClusterState, applied: Applied, at: Offset): PlanAhead {
  const { objects, deleted = [], manifests } = applied;
  const before = standing(state);
  const laid = objects.map((object) =>
    laidOver(before.objects, object, manifests?.get(describeKey(objectKey(object))))
  );
  const stored = laid.flatMap(({ object }) => object ?? []);
  const unknown = [
    ...laid.flatMap((one) => one.unknown),
    ...stored.flatMap((object) => unknownEndpoints(state, object, { ...applied, objects: stored })),
  ];
  const planned = stored.map((object) => plannedObject(before, objectKey(object), object));
  const gone = deleted.map((key) => plannedObject(before, key, null));
  const changes = noChanges();
  for (const key of deleted) foldEvent(state, at, key, null, changes);
  for (const object of stored) foldEvent(state, at, objectKey(object), object, changes);
  while (isUnfinished(state)) advance({ state, offset: at, changes });
  const elements = plannedElements(changes, before, state);
  const packets = packetsElsewhere(concerned(elements, before, state), before, state);
  return {
    at: before.folded,
    objects: [...planned, ...gone],
    elements,
    packets,
    conflicts: newConflicts(before, state),
    leftOut: newlyLeftOut(before, state),
    unknown,
    refused: laid.flatMap((one) => one.refused),
    unserved: packets.filter(({ serves }) => serves === "no more").length,
  };
}

/** `state` as it stands, where it is compared with what follows. The fold replaces the values of these maps, or the maps. */
function standing(state: ClusterState) {
  const { tables, config, node, knownNode, folded } = state;
  return {
    ...{ tables, config, node, knownNode, folded },
    desired: new Map([...state.desired].map(([path, elements]) => [path, new Map(elements)])),
    objects: new Map(state.objects),
    services: new Map(state.services),
    contested: new Set(state.contested),
    aside: new Set(state.aside.keys()),
    leftOut: new Map(state.leftOut),
  };
}

type Standing = ReturnType<typeof standing>;

function foldEvent(
  state: ClusterState,
  at: Offset,
  key: ObjectKey,
  value: KubeObject | null,
  changes: FoldChanges,
): void {
  foldRecord(state, at, { kind: "event", key, value, resourceVersion: "", time: "" }, changes);
}

/** The elements that differ, by set and key. */
function plannedElements(
  { touched }: FoldChanges,
  before: Standing,
  { desired }: ClusterState,
): PlannedElement[] {
  return [...touched.keys()].sort().flatMap((set) =>
    [...touched.get(set)!.keys()].sort().flatMap((key): PlannedElement[] => {
      const [was, is] = [before.desired.get(set)?.get(key), desired.get(set)?.get(key)];
      if (sameElement(was, is)) return [];
      return [{ set, before: was ? plainElement(was) : null, after: is ? plainElement(is) : null }];
    })
  );
}

/** The Services whose packets may go elsewhere: those whose elements differ, or all, where the rules or the node's addresses do. */
function concerned(
  elements: readonly PlannedElement[],
  before: Standing,
  after: ClusterState,
): Iterable<ServiceName> {
  const addresses = ({ node }: PlannedState) => [...node.addresses, ...node.linkLocal].join();
  if (before.tables !== after.tables || addresses(before) !== addresses(after)) {
    return new Set([...before.services.keys(), ...after.services.keys()]);
  }
  const comments = elements.flatMap(({ before, after }) => [before?.comment ?? "", after?.comment ?? ""]);
  return new Set(
    comments.filter((comment) => comment !== "").map((comment) => readServiceName(serviceOfComment(comment))),
  );
}

function plannedObject(
  { objects }: Standing,
  key: ObjectKey,
  value: KubeObject | null,
): PlannedObject {
  const object = describeKey(key);
  const known = objects.get(object);
  const changes = objectChanges(known, value ?? undefined);
  if (value === null) return { object, verb: known ? "goes" : "stays", changes };
  if (known === undefined) return { object, verb: "appears", changes };
  return { object, verb: changes.length === 0 ? "stays" : "changes", changes };
}

function newConflicts(before: Standing, after: ClusterState): string[] {
  return [...after.contested].filter((claim) => !before.contested.has(claim)).sort().map((claim) => {
    const [holder, ...others] = after.claims.get(claim) ?? [];
    const { frontend } = readFrontendClaim(claim) ?? { frontend: claim };
    return `${frontend} would be claimed by ${others.join(", ")} too: ${holder}, ${
      titleText(after.titles.get(claim))
    }, would have it`;
  });
}

function newlyLeftOut(before: Standing, after: ClusterState): string[] {
  const aside = [...after.aside].filter(([name]) => !before.aside.has(name)).map(([name, why]) =>
    `${name} would be set aside: ${why}`
  );
  const parts = [...after.leftOut].flatMap(([name, parts]) => {
    const known = new Set(before.leftOut.get(name));
    return parts.filter((part) => !known.has(part)).map((part) => `${name}: ${part}`);
  });
  return [...aside, ...parts].sort();
}

/** `10.96.0.1:80/tcp`: where a packet is sent. */
export function placeText({ destination, port, protocol }: Packet): string {
  return `${endpointText(destination, port)}/${protocol}`;
}
