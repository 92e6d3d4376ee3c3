// What of a ClusterState does not follow from its objects: which endpoint has which slot, who was set aside, how we are set
// up. With the objects it is the whole state: fold(all) = fold(snapshot + tail), held by a property test at every offset.

import type { KubeObject, Service, ServiceCIDR } from "../kube/objects.ts";
import { describeKey, objectKey } from "../kube/objects.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";
import { type ClusterState, emptyState, type ServiceName } from "./cluster_state.ts";
import { settleRestored } from "./fold.ts";
import { NO_PROGRAM } from "./service_program.ts";
import type { Slots } from "./slots.ts";

/** A state as JSON values: first what is one of a kind, then each object, then the slots of each Service. */
export type SnapshotLine =
  | {
    readonly kind: "state";
    readonly folded: number;
    readonly committed: number | null;
    readonly config: ProxyConfig;
    readonly nodeName: string;
    readonly nodeDeleted: boolean;
    /** Name and reason. */
    readonly aside: readonly (readonly [string, string])[];
  }
  | { readonly kind: "object"; readonly value: KubeObject }
  | {
    readonly kind: "slots";
    readonly service: string;
    readonly slots: readonly (readonly [key: string, slots: Slots])[];
  };

/** `state` as lines; the same state gives the same lines. */
export function* snapshotLines(state: ClusterState): Generator<SnapshotLine> {
  yield {
    kind: "state",
    folded: state.folded,
    committed: state.committed ?? null,
    config: state.config,
    nodeName: state.node.name,
    nodeDeleted: state.nodeDeleted,
    aside: [...state.aside].sort(([a], [b]) => a < b ? -1 : 1),
  };
  for (const key of [...state.objects.keys()].sort()) {
    yield { kind: "object", value: state.objects.get(key)! };
  }
  for (const service of [...state.programs.keys()].sort()) {
    const { slots } = state.programs.get(service)!;
    if (slots.size > 0) {
      yield {
        kind: "slots",
        service,
        slots: [...slots].sort(([a], [b]) => a < b ? -1 : 1),
      };
    }
  }
}

/** The state that {@link snapshotLines} wrote. */
export function restoredState(lines: Iterable<SnapshotLine>): ClusterState {
  const state = emptyState();
  let nodeName = "";
  for (const line of lines) {
    switch (line.kind) {
      case "state":
        Object.assign(state, {
          folded: line.folded,
          committed: line.committed ?? undefined,
          config: line.config,
          nodeDeleted: line.nodeDeleted,
        });
        nodeName = line.nodeName;
        for (const [name, reason] of line.aside) state.aside.set(name as ServiceName, reason);
        break;
      case "object":
        addObject(state, line.value);
        break;
      case "slots":
        state.programs.set(line.service as ServiceName, { ...NO_PROGRAM, slots: new Map(line.slots) });
        break;
    }
  }
  settleRestored(state, nodeName);
  return state;
}

function addObject(state: ClusterState, object: KubeObject): void {
  const key = objectKey(object);
  state.objects.set(describeKey(key), object);
  if (object.kind === "Service") {
    state.services.set(`${key.namespace}/${key.name}` as ServiceName, object as Service);
  }
  if (object.kind === "ServiceCIDR") state.serviceCIDRs.set(key.name, object as ServiceCIDR);
}
