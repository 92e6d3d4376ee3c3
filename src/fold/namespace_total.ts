// What the large Services of one namespace have together, and those of all namespaces. Beyond a bound further ones are set aside, so
// that tenants who make many Services just below the bound of one do not use up the node's memory. Those that are served stay
// served; those that are set aside for this are served once there is room, first those of the namespaces that have least. All of it
// follows from the ledger.

import type { ServiceBounds } from "../kube/bounds.ts";
import { namespaceOf, type ServiceName } from "../kube/service_name.ts";

/** What the state keeps of it. */
export interface NamespaceTotals {
  /** The elements of each large Service that is served, by namespace. */
  readonly largeServices: Map<string, Map<ServiceName, number>>;
  /** Services that are set aside because their namespace, or the node, has too much: the elements of each. */
  readonly crowded: Map<ServiceName, number>;
}

/** A state with its bounds. */
type Bounded = NamespaceTotals & { readonly bounds: ServiceBounds | undefined };

/** Notes that Service `name` is served with `elements`; with 0 it is not, or they are not counted. */
export function noteServed(
  { bounds, largeServices }: Bounded,
  name: ServiceName,
  elements: number,
): void {
  const isLarge = bounds?.namespace !== undefined && elements > bounds.namespace.large;
  // Nearly no Service is large.
  if (!isLarge && largeServices.size === 0) return;
  const namespace = namespaceOf(name);
  const served = largeServices.get(namespace);
  if (isLarge) {
    if (served === undefined) largeServices.set(namespace, new Map([[name, elements]]));
    else served.set(name, elements);
  } else if (served?.delete(name) && served.size === 0) largeServices.delete(namespace);
}

/** Why there is no room for Service `name` of so many elements; undefined where there is. */
export function crowdedText(state: Bounded, name: ServiceName, elements: number): string | undefined {
  const bound = state.bounds?.namespace;
  if (bound === undefined || elements <= bound.large) return undefined;
  const namespace = namespaceOf(name);
  const others = servedElements(state, namespace, name);
  if (others + elements > bound.most) {
    return crowded(`namespace ${namespace} has`, others, bound.most, elements);
  }
  const most = state.bounds?.node?.most;
  const all = most === undefined ? 0 : allElements(state, name);
  return all + elements > (most ?? Infinity)
    ? crowded("all namespaces have", all, most!, elements)
    : undefined;
}

function crowded(which: string, others: number, most: number, elements: number): string {
  return `${which} ${others} elements in large Services, at most ${most}: about ${elements} more are too many`;
}

/** The Services for which there is room now that Service `name` has fewer elements. */
export function admitted(state: Bounded, name: ServiceName): ServiceName[] {
  const { namespace: bound, node } = state.bounds ?? {};
  if (bound === undefined || state.crowded.size === 0) return [];
  const namespace = namespaceOf(name);
  const totals = new Map<string, number>();
  const totalOf = (one: string) => totals.get(one) ?? servedElements(state, one);
  let all = node === undefined ? 0 : allElements(state);
  // Where only namespaces have a bound, one that did not change has no more room than before.
  const waiting = [...state.crowded].filter(([one]) => node !== undefined || namespaceOf(one) === namespace)
    .sort(([a], [b]) => totalOf(namespaceOf(a)) - totalOf(namespaceOf(b)) || (a < b ? -1 : 1));
  return waiting.flatMap(([one, elements]) => {
    const total = totalOf(namespaceOf(one)) + elements;
    if (total > bound.most || all + elements > (node?.most ?? Infinity)) return [];
    all += elements;
    totals.set(namespaceOf(one), total);
    return one;
  });
}

/** The elements of all large Services that are served, but for `without`. */
function allElements(state: Bounded, without?: ServiceName): number {
  let total = 0;
  for (const namespace of state.largeServices.keys()) total += servedElements(state, namespace, without);
  return total;
}

/** The elements of the large Services that are served in `namespace`, but for `without`. */
function servedElements({ largeServices }: Bounded, namespace: string, without?: ServiceName): number {
  let total = 0;
  for (const [name, elements] of largeServices.get(namespace) ?? []) if (name !== without) total += elements;
  return total;
}
