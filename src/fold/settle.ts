// Settling a Service: its rules are made from its objects once more, and the elements that differ are changed. Slots are
// assigned here and nowhere else, so the ruleset at an offset is a function of the ledger up to it, however commits were
// batched. Settling costs what the Service has, whatever the size of the cluster.

import { InvariantError } from "../invariant.ts";
import type { EndpointSlice } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Element, ElementKey, SetPath } from "../nft/ruleset.ts";
import { claim, dependents, forgetAddress, holderOf, reclaim } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type Folding, noteBefore, touch } from "./fold_changes.ts";
import { admitted, crowdedText, noteServed } from "./namespace_total.ts";
import { putHealthCheck } from "./health_checks.ts";
import { changeResource, isLedTo, type Put, type ServiceResource, surelySame } from "./resource.ts";
import { RestoredElements } from "./restoring.ts";
import {
  makeProgram,
  NO_PROGRAM,
  type ProgramInput,
  type ServiceProgram,
  wholeProgram,
} from "./service_program.ts";
import { oversizeText } from "./service_size.ts";
import type { ServiceEntry } from "./service_table.ts";
import { SlicedEndpoints } from "./sliced_endpoints.ts";
import { areAmong } from "./sorted_texts.ts";
import { noteTightened } from "./tightened.ts";
import { udpFrontendNow } from "./udp_frontends.ts";
import type { MadeRules } from "./unfinished.ts";
import { isLarge, isLargeChange, isPostponed, noteMade, sizeOf, wait } from "./waiting.ts";
import { leave, waitsIn } from "./waiting_line.ts";

/** Settles every Service, for a record that concerns all of them. By name, so that the order of events decides nothing. */
export function settleAll(folding: Folding): void {
  const { state, offset } = folding;
  for (const entry of servedInOrder(state)) {
    const { name, program } = entry;
    const waits = waitsIn(state.unsettled, name) || state.making?.name === name;
    if (waits || isLarge(state, program?.size ?? 0)) wait(state, "unsettled", name, offset);
    // One that waits is settled in its turn, with what is known then.
    else if (!waitsIn(state.postponed, name)) settle(folding, entry);
  }
}

/** The Services of this proxy by name. */
export function servedInOrder({ serviceTable }: ClusterState): ServiceEntry[] {
  const served = [...serviceTable.all()].filter((entry) => serviceTable.servedOf(entry) !== undefined);
  return served.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Settles a Service of which an object has changed: what was wrong with it before may be right now. Or it waits for a step. */
export function settleChanged(folding: Folding, entry: ServiceEntry): void {
  const { state, offset } = folding;
  if (isLargeChange(state, entry)) return wait(state, "unsettled", entry.name, offset);
  if (isPostponed(state, entry)) return wait(state, "postponed", entry.name, offset);
  settleNow(folding, entry);
}

/** Settles a Service that waits no longer. */
export function settleNow(folding: Folding, entry: ServiceEntry): void {
  takeBack(folding, entry.name);
  settle(folding, entry);
  noteMade(folding.state, entry.program);
}

/** Brings the rules of one Service up to date with its objects. */
export function settle(folding: Folding, entry: ServiceEntry): void {
  const { state } = folding;
  const { name } = entry;
  leave(state.unsettled, name);
  leave(state.postponed, name);
  if (state.making?.name === name) state.making = undefined;
  const before = entry.program ?? NO_PROGRAM;
  const made = isAside(state, name) ? NO_RULES : wholeRules(state, entry);
  // A slice that comes before its Service, as in a first list, has no rules yet.
  const isNothing = before === NO_PROGRAM && "program" in made && made.program === NO_PROGRAM;
  if (!isNothing) applyRules(folding, entry, made);
}

/** A Service without rules. */
const NO_RULES: MadeRules = { program: NO_PROGRAM };

/** Makes the rules of a Service. It changes nothing. */
function wholeRules(state: ClusterState, entry: ServiceEntry): MadeRules {
  const input = rulesInput(state, entry);
  if (!("service" in input)) return input;
  try {
    return { program: wholeProgram(input) };
  } catch (error) {
    return faulty(error);
  }
}

/** As {@link wholeRules}, port by port; yields what each cost, in endpoints. */
export function* makeRules(state: ClusterState, entry: ServiceEntry): Generator<number, MadeRules> {
  const input = rulesInput(state, entry);
  if (!("service" in input)) return input;
  try {
    return { program: yield* makeProgram(input) };
  } catch (error) {
    return faulty(error);
  }
}

const UNBOUNDED = { most: Infinity, large: Infinity, namespace: undefined };
const NO_SLICES: readonly EndpointSlice[] = [];

/** Rules that cannot be made are a fault of this program; it costs that Service alone. */
function faulty(error: unknown): MadeRules {
  if (!(error instanceof InvariantError)) throw error;
  return { aside: error.message };
}

/** What the rules of a Service are made from, or what is in their place. */
function rulesInput(state: ClusterState, entry: ServiceEntry): ProgramInput | MadeRules {
  const { name } = entry;
  const service = state.serviceTable.servedOf(entry);
  if (service === undefined) return NO_RULES;
  const { most, large, namespace } = state.bounds ?? UNBOUNDED;
  const size = sizeOf(state, service, entry, Math.min(large, namespace?.large ?? Infinity));
  if (size !== undefined && size.elements > most) return { aside: oversizeText(size, most) };
  const crowded = size && crowdedText(state, name, size.elements);
  if (crowded !== undefined) return { aside: crowded, crowded: size!.elements };
  const slices = entry.slices?.values() ?? NO_SLICES;
  const previous = entry.program ?? NO_PROGRAM;
  return {
    service,
    name,
    slices: new SlicedEndpoints(slices),
    index: state.indexes.of(name, { service, slices, previous, node: state.node }),
    previous,
    context: { node: state.node, roundsTimeouts: state.bounds?.roundsTimeouts === true },
    size: size?.elements ?? 0,
  };
}

/** Puts rules in place of those of the Service so far, or sets it aside. */
export function applyRules(folding: Folding, entry: ServiceEntry, made: MadeRules): void {
  const { state } = folding;
  const { name } = entry;
  const before = entry.program ?? NO_PROGRAM;
  // No step is made while the kernel rejects commits, and it would reject each that still has what it rejected.
  const rejected = isAside(state, name);
  if ("aside" in made) {
    setAside(folding, name, made.aside);
    if (made.crowded !== undefined) state.crowded.set(name, made.crowded);
  }
  const after = "aside" in made ? NO_PROGRAM : made.program;
  if (after === NO_PROGRAM) state.indexes.forget(name);
  state.serviceTable.setProgram(entry, after === NO_PROGRAM ? undefined : after);
  noteServed(state, name, after.size);
  noteProgram(folding, name, before, after);
  const lags = !rejected && isLarge(state, Math.max(before.size, after.size));
  const restored = folding.restores && new RestoredElements(state, folding.offset, folding.restores);
  const settling = { name, alone: [name], before, after, put: restored?.put ?? putInto(folding), lags };
  for (const wanted of after.resources.all) {
    changeClaim(folding, before.resources.get(wanted.claim), wanted, settling);
  }
  // In the other order: a frontend goes before what it leads to.
  const had = before.resources.all;
  for (let i = had.length - 1; i >= 0; i--) {
    if (after.resources.get(had[i]!.claim) === undefined) changeClaim(folding, had[i]!, undefined, settling);
  }
  restored?.enterCauses(name);
  if (before.udp.size > 0 || after.udp.size > 0) noteStaleFlows(folding, before, after);
  if (after.size < before.size) admit(folding, name);
}

/** Serves Services that were set aside for want of room, where Service `name` has left some. */
function admit(folding: Folding, name: ServiceName): void {
  const { state, offset } = folding;
  for (const one of admitted(state, name)) {
    if (isLarge(state, state.crowded.get(one)!)) wait(state, "unsettled", one, offset);
    else settleNow(folding, state.serviceTable.named(one));
  }
}

/** Nearly always none is set aside: then the name is not looked for. */
function isAside({ aside }: ClusterState, name: ServiceName): boolean {
  return aside.size > 0 && aside.has(name);
}

/** Serves none of Service `name` until one of its objects changes, so that all other Services are served. */
export function setAside({ state, changes }: Folding, name: ServiceName, reason: string): void {
  changes.setAside = noteBefore(changes.setAside, name, state.aside.has(name));
  state.aside.set(name, reason);
  state.crowded.delete(name);
}

/** Serves Service `name` again if it was set aside: one of its objects has changed. */
export function takeBack({ state, changes }: Folding, name: ServiceName): void {
  if (!isAside(state, name)) return;
  changes.setAside = noteBefore(changes.setAside, name, true);
  state.aside.delete(name);
  state.crowded.delete(name);
}

/** Puts `element` at `key` of `path`, or removes what is there for undefined. An equal element keeps its cause. */
export function putElement(
  { state, offset, changes, restores }: Folding,
  path: SetPath,
  key: ElementKey,
  element: Element | undefined,
): void {
  const set = state.desired.get(path)!;
  if (element === undefined ? !set.delete(key) : !set.put(element, offset)) return;
  if (restores !== undefined) return;
  if (state.bounds?.burst !== undefined) state.changed++;
  if (changes.notesTouched) touch(changes.touched, path, key, offset);
}

/** {@link putElement} for `folding`. */
export function putInto(folding: Folding): Put {
  return (path, key, element) => putElement(folding, path, key, element);
}

/** Updates what the state sums up over all programs, for reports, health checks and remarks. */
function noteProgram(
  { state, changes }: Folding,
  name: ServiceName,
  before: ServiceProgram,
  after: ServiceProgram,
): void {
  putHealthCheck(state, name, after.healthCheck);
  if (before.omitted.size + after.omitted.size > 0) noteOmitted({ state, changes }, before, after);
  if (before.leftOut.length > 0 || after.leftOut.length > 0) {
    changes.leftOut = noteBefore(changes.leftOut, name, state.leftOut.get(name));
    if (after.leftOut.length > 0) state.leftOut.set(name, after.leftOut);
    else state.leftOut.delete(name);
  }
  countWithoutLocal(state, before, -1);
  countWithoutLocal(state, after, 1);
}

function noteOmitted(
  { state, changes }: Pick<Folding, "state" | "changes">,
  before: ServiceProgram,
  after: ServiceProgram,
): void {
  for (const port of before.omitted.keys()) {
    changes.omissions = noteBefore(changes.omissions, port, state.omitted.get(port));
    state.omitted.delete(port);
  }
  for (const [port, count] of after.omitted) {
    changes.omissions = noteBefore(changes.omissions, port, state.omitted.get(port));
    state.omitted.set(port, count);
  }
}

function countWithoutLocal(state: ClusterState, { withoutLocal }: ServiceProgram, sign: 1 | -1): void {
  for (const lack of withoutLocal) {
    state.withoutLocal.set(lack, (state.withoutLocal.get(lack) ?? 0) + sign);
  }
}

/** A Service that is being settled. */
interface Settling {
  readonly name: ServiceName;
  /** The claimants of what it alone claims: one list for all its claims. */
  readonly alone: readonly ServiceName[];
  readonly before: ServiceProgram;
  readonly after: ServiceProgram;
  readonly put: Put;
  /** Whether its elements change in steps, see `steps.ts`. */
  readonly lags: boolean;
}

/** Enters or withdraws a claim, and gives what is claimed to the Service that holds it then. */
function changeClaim(
  folding: Folding,
  had: ServiceResource | undefined,
  wanted: ServiceResource | undefined,
  settling: Settling,
): void {
  const { state } = folding;
  const { name } = settling;
  const resource = (wanted ?? had)!;
  const key = resource.claim;
  // Nearly always the Service alone claims the resource, before and after.
  const claimants = state.claims.of(resource);
  if (
    wanted !== undefined && had !== undefined && rankOf(wanted) === rankOf(had) && isOnly(claimants, name)
  ) {
    if (!settling.lags && state.unfinished.size === 0 && hasSameElement(had, wanted)) return;
    return changeElements(folding, key, had, wanted, settling);
  }
  const others = dependents(state, resource);
  if (wanted !== undefined && claimants === undefined && others.size === 0 && rankOf(wanted) === 0) {
    // No Service claims it, as for nearly all resources of a new Service.
    state.claims.enter(resource, settling.alone);
    return changeElements(folding, key, undefined, wanted, settling);
  }
  const held = holdingOf(state, key, settling);
  // Nearly every claim has no others. An empty list costs less than the iteration of an empty set.
  const heldOthers = others.size === 0
    ? NO_HOLDINGS
    : [...others].map((one) => holdingOf(state, one, settling));
  claim(state, key, name, wanted);
  for (const { key } of heldOthers) reclaim(state, key);
  handOver(folding, held, settling);
  for (const one of heldOthers) handOver(folding, one, settling, true);
  if (wanted === undefined) forgetAddress(state, resource);
}

/** Whether both are the same element, as those of endpoints on the own node nearly always are. */
function hasSameElement(had: ServiceResource, wanted: ServiceResource): boolean {
  return had.kind === "element" && wanted.kind === "element" && had.element === wanted.element;
}

function isOnly(claimants: readonly ServiceName[] | undefined, name: ServiceName): boolean {
  return claimants?.length === 1 && claimants[0] === name;
}

function rankOf(resource: ServiceResource): number {
  return resource.kind === "frontend" ? resource.rank : 0;
}

/** Which Service holds a claim, and the resource as its elements are now. */
interface Holding {
  readonly key: string;
  readonly holder: ServiceName | undefined;
  readonly resource: ServiceResource | undefined;
  readonly contested: boolean;
}

function holdingOf(state: ClusterState, key: string, { name, before }: Settling): Holding {
  return {
    key,
    holder: holderOf(state, key),
    resource: heldResource(state, key, name, before),
    contested: state.contested.has(key),
  };
}

const NO_HOLDINGS: readonly Holding[] = [];

/** Changes the elements of a resource from how they were to how the present holder wants them. */
function handOver(
  folding: Folding,
  { key, holder, resource, contested }: Holding,
  settling: Settling,
  isOther = false,
): void {
  const { state, changes } = folding;
  const { name, before, after } = settling;
  if (state.contested.has(key) !== contested) {
    changes.conflicts = noteBefore(changes.conflicts, key, contested);
  }
  const wanted = heldResource(state, key, name, after);
  // A frontend that goes keeps its place before the chains that it leads to, whatever else of its address changes after it.
  if (isOther && state.unfinished.has(key) && surelySame(resource, wanted)) return;
  changeElements(folding, key, resource, wanted, settling);
  const now = holderOf(state, key);
  if (now === holder || holder === undefined || now === undefined) return;
  noteHandover(folding, key, holder === name ? before : state.programs.get(holder));
}

/** Changes the elements of a resource now, or notes that they lag behind. */
function changeElements(
  { state, offset, changes }: Folding,
  key: string,
  before: ServiceResource | undefined,
  after: ServiceResource | undefined,
  { put, lags }: Settling,
): void {
  const unfinished = state.unfinished.size === 0 ? undefined : state.unfinished.get(key);
  const stands = unfinished === undefined ? before : unfinished.stands;
  if (!isLeftToStep(state, stands, after, lags)) {
    if (unfinished !== undefined) state.unfinished.delete(key);
    noteTightened(changes.tightened, key, stands, after);
    return changeResource(stands, after, put);
  }
  if (unfinished === undefined && surelySame(before, after)) return;
  // To the end: steps follow the order of the newest rules.
  state.unfinished.delete(key);
  state.unfinished.set(key, { stands, cause: offset });
}

/**
 * Whether a resource is changed by a later step. What frontends lead to is made at once. It goes only once no frontend waits, which may
 * lead there as it stands, and behind what went before it: other Services share it and do not wait, and a frontend without its guard
 * would be open to all sources.
 */
function isLeftToStep(
  { unfinished }: ClusterState,
  stands: ServiceResource | undefined,
  after: ServiceResource | undefined,
  lags: boolean,
): boolean {
  // Nearly always no frontend waits.
  if (!lags && unfinished.size === 0) return false;
  if (!isLedTo(after ?? stands)) return lags;
  return after === undefined &&
    unfinished.values().some(({ stands }) => stands?.kind === "frontend" || isLedTo(stands));
}

/** The resource as its present holder wants it, where the Service `name` wants `program`. */
function heldResource(
  state: ClusterState,
  key: string,
  name: ServiceName,
  program: ServiceProgram,
): ServiceResource | undefined {
  const holder = holderOf(state, key);
  if (holder === undefined) return undefined;
  return (holder === name ? program : state.programs.get(holder))?.resources.get(key);
}

/** The flows of a frontend that goes to another Service lead to endpoints of the one before. */
function noteHandover(
  { state, changes }: Folding,
  key: string,
  before: ServiceProgram | undefined,
): void {
  const now = udpFrontendNow(state, key);
  const frontend = now ?? before?.udp.get(key);
  if (frontend !== undefined) changes.staleFlows.set(key, now ?? { ...frontend, serving: [] });
}

/**
 * Flows are stale where an endpoint stopped serving, and where the first one began to serve: until then they led to the
 * frontend itself. The Service that holds the frontend decides which endpoints may answer; without one no flow is kept.
 */
function noteStaleFlows({ state, changes }: Folding, before: ServiceProgram, after: ServiceProgram): void {
  for (const [key, frontend] of new Map([...before.udp, ...after.udp])) {
    const was = before.udp.get(key)?.serving ?? [];
    const now = after.udp.get(key)?.serving ?? [];
    const began = was.length === 0 && now.length > 0;
    if (!began && areAmong(was, now)) continue;
    changes.staleFlows.set(key, udpFrontendNow(state, key) ?? { ...frontend, serving: [] });
  }
}
