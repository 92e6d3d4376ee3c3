// Events for addresses that go from one Service to another: at both, as it is their owners who must know.

import type { ClusterState } from "../fold/cluster_state.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { type MovedFrontend, movedTexts } from "../plan/moved_frontends.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";

/** The events of a commit that gave frontends to other Services; a Service that is gone gets none. */
export function movedEvents(
  moved: readonly MovedFrontend[],
  { services }: Pick<ClusterState, "services">,
): ApiEvent[] {
  return movedTexts(moved).flatMap(({ from, to, text }) =>
    [to, from].filter((name) => services.has(name as ServiceName)).map((service): ApiEvent => {
      const [namespace, name] = service.split("/") as [string, string];
      const regarding = { kind: "Service", namespace, name } as const;
      return { regarding, type: "Warning", reason: "AddressMoved", action: "SyncProxyRules", note: text };
    })
  );
}
