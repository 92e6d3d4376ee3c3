// Services that wait for a step, in the order in which they are served. Their namespaces take turns, so that a tenant who changes
// a thousand Services at once does not hold up the one of another. The order follows from who waits, and from nothing else: an
// empty line has no memory of turns.
//
// A namespace waits for one turn of each other one at most, so a tenant with a hundred namespaces has a hundred turns. Why not count
// by tenant? Nothing in the API says which namespaces are whose. Services with few elements never wait (SMALL_SERVICE_ELEMENTS).

import { namespaceOf, type ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";

/** Changed in place by the functions of this file alone. */
export interface WaitingLine {
  /** Those who wait, each with the record that made it wait, by namespace; the namespace whose turn is next comes first. */
  readonly namespaces: Map<string, Map<ServiceName, Offset>>;
  size: number;
}

/** No Service waits. */
export function newLine(): WaitingLine {
  return { namespaces: new Map(), size: 0 };
}

/** Enters a Service. One that is there already keeps its place. `turns`: whether namespaces take turns. */
export function enter(line: WaitingLine, name: ServiceName, cause: Offset, turns: boolean): void {
  const { namespaces } = line;
  const namespace = turns ? namespaceOf(name) : "";
  const own = namespaces.get(namespace) ?? new Map<ServiceName, Offset>();
  if (!own.has(name)) line.size++;
  own.set(name, cause);
  namespaces.set(namespace, own);
}

/** Removes a Service, whether it waits or not. */
export function leave(line: WaitingLine, name: ServiceName): void {
  if (line.size === 0) return;
  for (const namespace of keysOf(name)) {
    const own = line.namespaces.get(namespace);
    if (own?.delete(name) !== true) continue;
    line.size--;
    if (own.size === 0) line.namespaces.delete(namespace);
  }
}

/** Whether a Service waits. */
export function waitsIn({ namespaces, size }: WaitingLine, name: ServiceName): boolean {
  return size > 0 && keysOf(name).some((namespace) => namespaces.get(namespace)?.has(name) === true);
}

/** Whether another Service has its turn before `name` would: one of its namespace, or of any where they take no turns. */
export function isBehindOthers({ namespaces, size }: WaitingLine, name: ServiceName): boolean {
  return size > 0 && keysOf(name).some((namespace) => namespaces.has(namespace));
}

/** Removes and returns the Service whose turn it is. The next turn is that of the next namespace. */
export function takeFirst(line: WaitingLine): readonly [ServiceName, Offset] | undefined {
  const [turn] = line.namespaces;
  if (turn === undefined) return undefined;
  const [namespace, own] = turn;
  const [first] = own;
  leave(line, first![0]);
  if (line.namespaces.delete(namespace)) line.namespaces.set(namespace, own);
  return first;
}

/** All who wait, each with the record that made it wait, by namespace. */
export function waitingOf({ namespaces }: WaitingLine): (readonly [ServiceName, Offset])[] {
  return [...namespaces.values()].flatMap((own) => [...own]);
}

/** Under what a Service may wait: its namespace, or what all share who take no turns. */
function keysOf(name: ServiceName): readonly string[] {
  return [namespaceOf(name), ""];
}
