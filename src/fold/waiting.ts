// Which Services wait for a step (`steps.ts`) instead of being settled by their events: large ones, and while the events since
// the last commit change much, all that are not small. So a tenant that changes many Services at once holds up its own, and
// what changes before the next commit has a bound. It follows from the ledger alone, as everything that is folded.

import type { Service } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import type { ClusterState } from "./cluster_state.ts";
import { isSurelySmall, type ServiceSize, serviceSize } from "./service_size.ts";
import { SlicedEndpoints } from "./sliced_endpoints.ts";

/** How many endpoints are assigned to slots in the time that one element takes to be changed and committed. */
export const ENDPOINTS_PER_ELEMENT = 6;

/** The line for large Services, and that for others. */
type Line = "unsettled" | "postponed";

/** Enters the Service in `line`. One that is there already keeps its place. */
export function wait(state: ClusterState, line: Line, name: ServiceName, cause: Offset): void {
  state[line === "unsettled" ? "postponed" : "unsettled"].delete(name);
  state[line].set(name, cause);
}

/**
 * Elements of the Service, as its objects are now or with its rules so far, whichever has more; 0 where it is surely small. One
 * that is too large costs only what it had: its rules are not made.
 */
export function sizeOfChange(state: ClusterState, name: ServiceName): number {
  if (state.bounds === undefined) return 0;
  const before = state.programs.get(name)?.size ?? 0;
  if (isLarge(state, before)) return before;
  const service = state.services.get(name);
  const now = (service && sizeOf(state, service, name))?.elements ?? 0;
  return now > state.bounds.most ? before : Math.max(before, now);
}

/** Whether the rules of a Service of so many elements are always made in steps. */
export function isLarge({ bounds }: ClusterState, elements: number): boolean {
  return bounds !== undefined && elements > bounds.large;
}

/**
 * Whether a Service of so many elements waits because of what the events since the last commit have changed. Before the first
 * commit none does: there are no rules yet whose changes it could hold up.
 */
export function isPostponed({ bounds, committed, changed }: ClusterState, elements: number): boolean {
  const burst = bounds?.burst;
  return burst !== undefined && committed !== undefined && changed >= burst.most && elements > burst.small;
}

/** The size of a Service that may be large, or not small; undefined for all others, and where there are no bounds. */
export function sizeOf(state: ClusterState, service: Service, name: ServiceName): ServiceSize | undefined {
  const { bounds } = state;
  if (bounds === undefined) return undefined;
  const slices = () => state.slices.get(name)?.values() ?? [];
  if (isSurelySmall(service, slices(), bounds.burst?.small ?? bounds.large)) return undefined;
  return serviceSize(service, new SlicedEndpoints(slices()));
}
