// Makes Events for addresses that a commit gave to another Service: one at each of the two, because their owners must act.

import type { ClusterState } from "../fold/cluster_state.ts";
import { namespaceOf, namespacesText, partsOfService } from "../kube/service_name.ts";
import { type MovedFrontend, movedTexts } from "../plan/moved_frontends.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";

/** The events of one commit. A Service that no longer exists gets none. */
export function movedEvents(
  moved: readonly MovedFrontend[],
  { services }: Pick<ClusterState, "services">,
): ApiEvent[] {
  const present: ReadonlyMap<string, unknown> = services;
  return movedTexts(moved).flatMap(({ from, to, text }) => {
    const about = namespaceOf(from) === namespaceOf(to) ? {} : { about: namespacesText([from, to]) };
    const event = {
      type: "Warning",
      reason: "AddressMoved",
      action: "SyncProxyRules",
      note: text,
      ...about,
    } as const;
    return [to, from].filter((name) => present.has(name)).map((service): ApiEvent => ({
      regarding: { kind: "Service", ...partsOfService(service) },
      ...event,
    }));
  });
}
