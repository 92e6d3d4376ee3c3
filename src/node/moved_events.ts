// Makes Events for addresses that a commit gave to another Service: one at each of the two, because their owners must act.

import type { ClusterState } from "../fold/cluster_state.ts";
import { partsOfService } from "../kube/service_name.ts";
import { type MovedFrontend, movedTexts } from "../plan/moved_frontends.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";

/** The events of one commit. A Service that no longer exists gets none. */
export function movedEvents(
  moved: readonly MovedFrontend[],
  { services }: Pick<ClusterState, "services">,
): ApiEvent[] {
  const present: ReadonlyMap<string, unknown> = services;
  return movedTexts(moved).flatMap(({ from, to, text }) =>
    [to, from].filter((name) => present.has(name)).map((service): ApiEvent => {
      const regarding = { kind: "Service", ...partsOfService(service) } as const;
      return { regarding, type: "Warning", reason: "AddressMoved", action: "SyncProxyRules", note: text };
    })
  );
}
