// The health checks of Services that this node answers. Most changes of a cluster concern none of them, and what serves them must
// see that without looking at each: so the state has an object that is another one after each change. Why no number? States that
// are equal would differ by how they came about.

import type { ServiceName } from "../kube/service_name.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { HealthCheck, LocalEndpoints } from "./service_program.ts";

/** Puts the health check of a Service, or none, into `state`. */
export function putHealthCheck(
  state: Pick<ClusterState, "healthChecks" | "healthChecksVersion">,
  name: ServiceName,
  check: HealthCheck | undefined,
): void {
  // Most clusters have none. Then the name, which was made for this change, is not hashed for the look-up.
  if (check === undefined && state.healthChecks.size === 0) return;
  const before = state.healthChecks.get(name);
  if (before?.port === check?.port && isSame(before?.localEndpoints, check?.localEndpoints)) return;
  if (check === undefined) state.healthChecks.delete(name);
  else state.healthChecks.set(name, check);
  state.healthChecksVersion = {};
}

function isSame(before: LocalEndpoints | undefined, now: LocalEndpoints | undefined): boolean {
  return before?.ip === now?.ip && before?.ip6 === now?.ip6;
}
