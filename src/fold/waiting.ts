// Which Services wait for a step (`steps.ts`) instead of being settled by their events: large ones, and while the events since
// the last commit change much, all that are not small. So a tenant that changes many Services at once holds up its own, and
// what changes before the next commit has a bound. It follows from the ledger alone, as everything that is folded.

import type { Service } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { ServiceProgram } from "./service_program.ts";
import type { ServiceEntry } from "./service_table.ts";
import { isSurelySmall, programElements, type ServiceSize, serviceSize } from "./service_size.ts";
import { SlicedEndpoints } from "./sliced_endpoints.ts";
import { enter, isBehindOthers, leave } from "./waiting_line.ts";

/** How many endpoints are assigned to slots in the time that one element takes to be changed and committed. */
export const ENDPOINTS_PER_ELEMENT = 6;

/** The line for large Services, and that for others. */
type Line = "unsettled" | "postponed";

/** Enters the Service in `line`. One that is there already keeps its place. */
export function wait(state: ClusterState, line: Line, name: ServiceName, cause: Offset): void {
  leave(state[line === "unsettled" ? "postponed" : "unsettled"], name);
  enter(state[line], name, cause, state.bounds?.takesTurns === true);
}

/** Whether the rules of a Service are made in steps, now or with those so far. One that is too large costs only what it had. */
export function isLargeChange(state: ClusterState, entry: ServiceEntry): boolean {
  if (state.bounds === undefined) return false;
  if (isLarge(state, entry.program?.size ?? 0)) return true;
  const service = state.serviceTable.servedOf(entry);
  const size = service && sizeOf(state, service, entry, state.bounds.large);
  return size !== undefined && isLarge(state, size.elements) && size.elements <= state.bounds.most;
}

/** Whether the rules of a Service of so many elements are always made in steps. */
export function isLarge({ bounds }: ClusterState, elements: number): boolean {
  return bounds !== undefined && elements > bounds.large;
}

/**
 * Whether a Service that is not small waits because of what the events since the last commit have changed, or because others
 * that have their turn before it wait already. Before the first commit much more may be changed: there are no rules yet whose
 * changes it could hold up.
 */
export function isPostponed(state: ClusterState, entry: ServiceEntry): boolean {
  const { bounds, committed, changed, postponed } = state;
  const burst = bounds?.burst;
  const most = committed === undefined ? burst?.first : burst?.most;
  if (burst === undefined || most === undefined) return false;
  if (changed < most && !isBehindOthers(postponed, entry.name)) return false;
  if (hasMore(state, entry, burst.small)) return true;
  const now = wantedElements(state, entry, burst.small);
  return now > burst.small && now <= bounds!.most;
}

/** Whether a Service has few elements, and will have: then it never waits, nor counts for its namespace. */
export function isSmall(state: ClusterState, entry: ServiceEntry): boolean {
  const { burst, namespace, large } = state.bounds ?? {};
  const small = Math.min(burst?.small ?? Infinity, namespace?.large ?? Infinity, large ?? Infinity);
  return !hasMore(state, entry, small) && wantedElements(state, entry, small) <= small;
}

/** Whether the rules of a Service so far have more elements. */
function hasMore({ bounds }: ClusterState, { program }: ServiceEntry, elements: number): boolean {
  return program !== undefined && programElements(program, bounds?.range) > elements;
}

/** How many elements the objects of a Service ask for; 0 where these are surely at most `elements`. */
function wantedElements(state: ClusterState, entry: ServiceEntry, elements: number): number {
  const service = state.serviceTable.servedOf(entry);
  return (service && sizeOf(state, service, entry, elements))?.elements ?? 0;
}

/** Notes what it cost to make a program, beside its elements. */
export function noteMade(state: ClusterState, program: ServiceProgram | undefined): void {
  if (state.bounds?.burst === undefined || program === undefined) return;
  let endpoints = 0;
  for (const list of program.slots.values()) endpoints += list.endpoints.length;
  state.changed += Math.ceil(endpoints / ENDPOINTS_PER_ELEMENT);
}

/** The size of a Service that may have more than so many elements; undefined for all others. */
export function sizeOf(
  state: ClusterState,
  service: Service,
  entry: ServiceEntry,
  elements: number,
): ServiceSize | undefined {
  const slices = entry.slices?.values() ?? [];
  const range = state.bounds?.range;
  if (isSurelySmall(service, slices, elements, range)) return undefined;
  return serviceSize(service, new SlicedEndpoints(slices), range);
}
