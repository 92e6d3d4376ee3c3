// Makes Events for Services that are set aside: their owners must act, and may not read this program's log.

import type { ClusterState } from "../fold/cluster_state.ts";
import { partsOfService, type ServiceName } from "../kube/service_name.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";

/** Remembers which Services were set aside, so that each gets one event. */
export class AsideEvents {
  #known: ReadonlyMap<ServiceName, string> = new Map();

  /** The events for what was set aside since the last call. A Service that no longer exists gets none. */
  next({ aside, services }: Pick<ClusterState, "aside" | "services">): ApiEvent[] {
    if (aside.size === 0 && this.#known.size === 0) return [];
    const before = this.#known;
    this.#known = new Map(aside);
    return [...this.#known].filter(([name]) => !before.has(name) && services.has(name)).map((
      [name, reason],
    ) => ({
      regarding: { kind: "Service", ...partsOfService(name) },
      type: "Warning",
      reason: "ServiceSetAside",
      action: "SyncProxyRules",
      note: `not served on this node until it changes: ${reason}`,
    }));
  }
}
