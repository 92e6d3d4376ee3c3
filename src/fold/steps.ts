// The rules of a large Service are made in steps, so that no record costs more than a few milliseconds and other Services
// need not wait. An event of such a Service only enters it in `unsettled`; so do events of others in `postponed` while many
// change at once. However many events follow, only the last state is made. A commit that `advances` makes one step: it settles
// postponed Services and the large one whose turn it is, and changes the elements of some frontends. Why at commits, and
// not at times? A step must follow from the ledger: then a replay makes the same steps, and every commit has the digest of
// what the kernel holds.

import type { ServiceName } from "../kube/service_name.ts";
import { holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { FoldChanges, Folding } from "./fold_changes.ts";
import {
  changeResource,
  type FrontendResource,
  isLedTo,
  portOfFrontend,
  type ServiceResource,
} from "./resource.ts";
import { resourceElements } from "./service_size.ts";
import { applyRules, makeRules, putInto, settleNow, takeBack } from "./settle.ts";
import { noteTightened } from "./tightened.ts";
import { udpFrontendNow } from "./udp_frontends.ts";
import type { Making, Unfinished, UnfinishedWork } from "./unfinished.ts";
import { ENDPOINTS_PER_ELEMENT } from "./waiting.ts";
import { takeFirst } from "./waiting_line.ts";

/** Makes one step. A frontend is changed as a whole, so that packets never meet a part of one. */
export function advance(folding: Folding): void {
  const { state } = folding;
  let left = state.bounds?.step ?? Infinity;
  // Where large Services wait too, they have at least half of the step.
  const most = isLargeUnfinished(state) ? left / 2 : left;
  left -= Math.min(most, settlePostponed(folding, most));
  if (state.unfinished.size === 0) left -= makeSome(folding, left);
  // What frontends lead to goes last, and in the order in which it is to go.
  for (const goesLast of [false, true]) {
    for (const [claim, unfinished] of state.unfinished) {
      if (isLedTo(unfinished.stands) !== goesLast) continue;
      left -= finish(folding, claim, unfinished);
      if (left <= 0) return;
    }
  }
}

/** Changes the elements of a resource as its holder wants them; returns what that cost, in elements. */
function finish(folding: Folding, claim: string, { stands, cause }: Unfinished): number {
  const { state, changes } = folding;
  state.unfinished.delete(claim);
  const wanted = wantedResource(state, claim);
  changeResource(stands, wanted, putInto({ ...folding, offset: cause }));
  noteTightened(changes.tightened, claim, stands, wanted);
  noteFlows(folding, claim, wanted ?? stands);
  const range = state.bounds?.range;
  return Math.max(resourceElements(stands, range), resourceElements(wanted, range));
}

function isLargeUnfinished({ unsettled, making, unfinished }: UnfinishedWork): boolean {
  return unsettled.size > 0 || making !== undefined || unfinished.size > 0;
}

/** Settles Services that wait although they are not large, in their turns; returns what that cost, in elements. */
function settlePostponed(folding: Folding, most: number): number {
  const { state } = folding;
  const before = state.changed;
  while (state.postponed.size > 0 && state.changed - before < most) {
    const [name, cause] = takeFirst(state.postponed)!;
    settleNow({ ...folding, offset: cause }, state.serviceTable.named(name));
  }
  return state.changed - before;
}

/** Goes on with the rules of the large Service whose turn it is; returns what that cost, in elements. At most about `most`. */
function makeSome(folding: Folding, most: number): number {
  const { state } = folding;
  const making = state.making ??= firstInLine(state);
  if (making === undefined) return 0;
  const { name, cause, rules } = making;
  let cost = 0;
  let step = rules.next();
  for (; !step.done; step = rules.next()) {
    cost += step.value / ENDPOINTS_PER_ELEMENT;
    if (cost >= most) return cost;
  }
  state.making = undefined;
  const own = { ...folding, offset: cause };
  takeBack(own, name);
  applyRules(own, state.serviceTable.named(name), step.value);
  return cost;
}

/** Flows of a UDP frontend are looked at once its elements have changed: until then they would come back. */
function noteFlows({ state, changes }: Folding, claim: string, resource: ServiceResource | undefined): void {
  const udp = udpFrontendNow(state, claim);
  if (udp !== undefined) changes.staleFlows.set(claim, udp);
  else if (resource?.kind === "frontend") noteUnservedFlows(changes, resource);
}

function noteUnservedFlows(
  changes: FoldChanges,
  { claim, family, address, frontend }: FrontendResource,
): void {
  const { protocol, port } = portOfFrontend(frontend);
  if (protocol === "udp") changes.staleFlows.set(claim, { family, address, port, serving: [] });
}

/** The Service whose turn it is. It no longer waits; the next change of its objects makes it wait again. */
function firstInLine(state: ClusterState): Making | undefined {
  const first = takeFirst(state.unsettled);
  if (first === undefined) return undefined;
  const [name, cause] = first;
  return { name, cause, rules: makeRules(state, state.serviceTable.named(name)) };
}

/** The resource as the Service that holds it wants it. */
function wantedResource(state: ClusterState, claim: string): ServiceResource | undefined {
  const holder: ServiceName | undefined = holderOf(state, claim);
  return holder === undefined ? undefined : state.programs.get(holder)?.resources.get(claim);
}
