// What a Service needs in the ruleset, as resources that at most one Service holds at a time: frontends with their
// slots, and single elements. This file turns a resource into elements, and the change of a resource into changes of
// elements. It also makes and reads the names under which Services claim resources.

import {
  type Address,
  ADDRESS_BITS,
  concatenationParts,
  type Family,
  markText,
  prefixParts,
} from "../nft/data_type.ts";
import { objectNoun } from "../nft/objects.ts";
import {
  canonicalKey,
  type Element,
  type ElementKey,
  elementKey,
  type SetPath,
  splitSetPath,
} from "../nft/ruleset.ts";
import { ChunkedMap } from "./chunked_map.ts";
import { NOTHING_PINNED, type PinnedEndpoints } from "./pinned_endpoints.ts";
import { CONTAINERS, PATHS, type ServiceSet } from "./skeleton.ts";
import { differingSlots, NO_SLOTS, type Slots } from "./slots.ts";

/** Where a frontend's elements go: an address has its own key, a NodePort is the same on all of the node's addresses. */
export type FrontendKind = "address" | "nodeport";

/** The rank of a claim: 0 a cluster IP or NodePort, 1 an address of the load balancer, 2 an external IP. 0 is strongest. */
export type Rank = 0 | 1 | 2;

/** A frontend, and where it leads. */
export interface FrontendResource {
  readonly kind: "frontend";
  /** The name under which Services claim it. */
  readonly claim: string;
  readonly at: FrontendKind;
  readonly family: Family;
  /** undefined for a NodePort. */
  readonly address: Address | undefined;
  readonly rank: Rank;
  /** Key of the frontend in its maps: `10.96.0.1 . tcp . 80`, `tcp . 30080`. */
  readonly frontend: ElementKey;
  /** The ServicePort's name, which its elements carry as their comment: `shop/web:http`. */
  readonly comment: string;
  /** Its value in each map; absent where it has no element there. */
  readonly values: { readonly [role in FrontendRole]?: string };
  /** Canonical prefixes of the sources that may use the frontend, where it has a guard: a prefix, or one address. */
  readonly sources: readonly string[];
  /** Slots behind the pick chains that draw from all endpoints; none of a single endpoint. */
  readonly slots: Slots;
  /** Slots behind the pick chains that draw from local endpoints. */
  readonly localSlots: Slots;
  /** The endpoints of a ServicePort with affinity; absent where it has none. */
  readonly pinned?: PinnedEndpoints;
  /** Whether new clients draw from the lists of `pinned` here: once for a ServicePort, at its cluster IP. */
  readonly drawn?: boolean;
}

/**
 * What a map of frontends is for. `single` has the only endpoint of a cluster IP, `outside` that of a frontend that
 * masquerades. `serve` has the lead of every other frontend with endpoints, but of cluster IPs with two; a NodePort has a lead
 * with one endpoint too. `refuse` rejects or drops packets that were not translated. `policy` and `local` have the leads to
 * the two lists of externalTrafficPolicy Local. `guard` leads to the chain that lets its sources through. The others are those
 * of ClientIP affinity: the ServicePort that a frontend is of, and at the cluster IP the slot classes of its lists.
 */
export type FrontendRole = (typeof ROLES)[number];

/** One element that several ports of a Service share, such as its cluster IP. */
export interface ElementResource {
  readonly kind: "element";
  /** The name under which Services claim it. */
  readonly claim: string;
  readonly path: SetPath;
  readonly element: Element;
  /** Of a cluster IP: the address itself. undefined for every other element. */
  readonly address: Address | undefined;
}

/** The values of a frontend that has none, as one with two endpoints: the same object for all, so that it is compared at once. */
export const NO_VALUES: FrontendResource["values"] = {};

/** A frontend or an element that one Service holds. */
export type ServiceResource = FrontendResource | ElementResource;

/** Puts `element` at `key` of `path`; undefined removes what is there. */
export type Put = (path: SetPath, key: ElementKey, element: Element | undefined) => void;

const ROLES = [
  ...["single", "serve", "outside", "refuse", "policy", "local", "guard"] as const,
  ...["clusterIP", "otherPort", "pinClass", "localPinClass"] as const,
] as const;

/** Sets of a frontend, by kind and use. */
const SETS: Readonly<
  Record<FrontendKind, Readonly<Record<FrontendRole | "slots" | "localSlots" | "numbered", ServiceSet>>>
> = {
  address: {
    single: "single-endpoints",
    outside: "single-external-endpoints",
    serve: "service-ips",
    refuse: "no-endpoint-services",
    policy: "local-policy-ips",
    local: "local-only-ips",
    guard: "firewall-ips",
    clusterIP: "affinity-cluster-ips",
    otherPort: "affinity-port-nodeports",
    pinClass: "affinity-classes",
    localPinClass: "local-affinity-classes",
    numbered: "affinity-endpoints",
    slots: "endpoints",
    localSlots: "local-endpoints",
  },
  nodeport: {
    // Only cluster IPs have elements there, and with the slot classes of affinity; only addresses of a load balancer have guards.
    single: "single-endpoints",
    guard: "firewall-ips",
    outside: "single-nodeport-endpoints",
    serve: "service-nodeports",
    refuse: "no-endpoint-nodeports",
    policy: "local-policy-nodeports",
    local: "local-only-nodeports",
    clusterIP: "affinity-nodeport-ips",
    otherPort: "affinity-nodeport-ports",
    pinClass: "affinity-classes",
    localPinClass: "local-affinity-classes",
    numbered: "affinity-nodeport-endpoints",
    slots: "nodeport-endpoints",
    localSlots: "local-nodeport-endpoints",
  },
};

const ENDPOINT_SETS: ReadonlySet<string> = new Set(
  Object.values(SETS).flatMap((
    { single, outside, slots, localSlots },
  ) => [single, outside, slots, localSlots]),
);

/** Whether the values of set `name` are endpoints: slots, or the only endpoint of a cluster IP. */
export function hasEndpoints(name: string): boolean {
  return ENDPOINT_SETS.has(name);
}

/** A resource of one element; `address` is given for a cluster IP alone. */
export function elementResource(path: SetPath, element: Element, address?: Address): ElementResource {
  return { kind: "element", claim: elementClaim(path, element.key), path, element, address };
}

/** The name under which Services claim an element. */
export function elementClaim(path: SetPath, key: string): string {
  return `${path} ${key}`;
}

/** How the claim to a frontend begins. One text for all takes less memory than two that each claim joins. */
const FRONTEND: Readonly<Record<Family, string>> = { ip: "ip frontend ", ip6: "ip6 frontend " };

/** The name under which Services claim a frontend. */
export function frontendClaim(family: Family, frontend: ElementKey): string {
  return `${FRONTEND[family]}${frontend}`;
}

/** What {@link frontendClaim} made `claim` from; undefined for the claim to an element. */
export function readFrontendClaim(
  claim: string,
): { readonly family: string; readonly frontend: string } | undefined {
  const found = /^(ip6?) frontend (.*)$/.exec(claim);
  return found === null ? undefined : { family: found[1]!, frontend: found[2]! };
}

/** The protocol and the port of a frontend, whose key has an address before them unless it is a NodePort. */
export function portOfFrontend(frontend: ElementKey): { readonly protocol: string; readonly port: number } {
  const [protocol = "", port] = concatenationParts(frontend).slice(-2);
  return { protocol, port: Number(port) };
}

/**
 * The frontend in the key of an element of `set`: up to its port, without the slot or the address that may follow. The whole key where
 * the elements are of no frontend.
 */
export function frontendInKey(set: SetPath, key: ElementKey): ElementKey {
  const types = CONTAINERS.get(set)?.key ?? [];
  const parts = types.indexOf("inet_service") + 1;
  return parts === 0 || parts === types.length ? key : elementKey(concatenationParts(key).slice(0, parts));
}

/** Maps whose elements lead to chains, beside those of frontends. */
const CHAIN_MAPS: ReadonlySet<string> = new Set(["affinity-leads", "by-client"]);

/** Whether `path` has what frontends lead to: chains, or the elements of these maps. */
export function isOfChains(path: SetPath): boolean {
  return objectNoun(path) !== undefined || CHAIN_MAPS.has(splitSetPath(path).name);
}

/** Whether frontends lead to `resource`. */
export function isLedTo(resource: ServiceResource | undefined): boolean {
  return resource?.kind === "element" && isOfChains(resource.path);
}

/** Whether two resources surely have the same elements. It compares lists by identity, so false means that they may differ. */
export function surelySame(a: ServiceResource | undefined, b: ServiceResource | undefined): boolean {
  if (a === b) return true;
  if (a?.kind !== "frontend" || b?.kind !== "frontend") return false;
  return a.comment === b.comment && a.slots === b.slots && a.localSlots === b.localSlots &&
    a.pinned === b.pinned &&
    ROLES.every((role) => a.values[role] === b.values[role]) &&
    sameSources(a.sources, b.sources);
}

function sameSources(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((source, i) => source === b[i]);
}

/** Changes the elements of one resource from `before` to `after`; undefined means that no Service holds it. */
export function changeResource(
  before: ServiceResource | undefined,
  after: ServiceResource | undefined,
  put: Put,
): void {
  const one = after ?? before;
  if (one === undefined || before === after) return;
  if (one.kind === "element") {
    return put(one.path, one.element.key, after?.kind === "element" ? after.element : undefined);
  }
  changeFrontend(frontendOf(before), frontendOf(after), one, put);
}

function frontendOf(resource: ServiceResource | undefined): FrontendResource | undefined {
  return resource?.kind === "frontend" ? resource : undefined;
}

/** The key of what is behind a frontend. A template is faster than `elementKey`, and one is made for each slot. */
function behind(frontend: ElementKey, part: string | number): ElementKey {
  return canonicalKey(`${frontend} . ${part}`);
}

function changeFrontend(
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  one: FrontendResource,
  put: Put,
): void {
  const { at, family, frontend } = one;
  const paths = PATHS[family];
  const sets = SETS[at];
  const renamed = before?.comment !== after?.comment;
  changeValues(before, after, one, put);
  const wasAlone = at === "address" && before?.values.outside !== undefined;
  const isAlone = at === "address" && after?.values.outside !== undefined;
  if (wasAlone !== isAlone || (isAlone && renamed)) {
    const alone = isAlone ? { key: frontend, comment: after.comment } : undefined;
    put(paths["single-external-ips"], frontend, alone);
  }
  changeSources(paths["firewall-sources"], before, after, put);
  const behindIt: PutBehind = (set, part, value) => {
    const key = behind(frontend, part);
    put(paths[set], key, value === undefined ? undefined : { key, value, comment: after!.comment });
  };
  changeSlots(before?.slots, after?.slots, renamed, sets.slots, behindIt);
  changeSlots(before?.localSlots, after?.localSlots, renamed, sets.localSlots, behindIt);
  if (before?.pinned !== after?.pinned || (renamed && one.pinned !== undefined)) {
    changePinned(before, after, renamed, sets.numbered, behindIt, put);
  }
}

/** Puts the value for what is behind a frontend, or removes it for undefined. */
type PutBehind = (set: ServiceSet, part: string | number, value: string | undefined) => void;

function changeValues(
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  { at, family, frontend }: FrontendResource,
  put: Put,
): void {
  const old = before?.values ?? NO_VALUES;
  const now = after?.values ?? NO_VALUES;
  if (old === now && now === NO_VALUES) return;
  const renamed = before?.comment !== after?.comment;
  for (const role of ROLES) {
    const is = now[role];
    if (old[role] === is && (!renamed || is === undefined)) continue;
    const element = is === undefined ? undefined : { key: frontend, value: is, comment: after!.comment };
    put(PATHS[family][SETS[at][role]], frontend, element);
  }
}

function changePinned(
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  renamed: boolean,
  numbered: ServiceSet,
  putBehind: PutBehind,
  put: Put,
): void {
  changeNumbers(before?.pinned, after?.pinned, renamed, (number, endpoint) => {
    putBehind(numbered, number, endpoint);
  });
  const { family, frontend } = (after ?? before)!;
  for (const list of ["cluster", "local"] as const) {
    const [old, now] = [before, after].map((one) => one?.drawn ? one.pinned?.[list] : undefined);
    changeSlots(old, now, renamed, DRAWN[list].slots, putBehind);
    const distinct = before?.pinned?.distinct === true && after?.pinned?.distinct === true;
    changeMembers(old, now, { renamed, distinct }, (number, present) => {
      const key = behind(frontend, number);
      put(PATHS[family][DRAWN[list].numbers], key, present ? { key, comment: after!.comment } : undefined);
    });
  }
}

/** Sets of the lists that new clients of a ServicePort with affinity draw from. */
const DRAWN = {
  cluster: { slots: "affinity-slots", numbers: "affinity-numbers" },
  local: { slots: "local-affinity-slots", numbers: "local-affinity-numbers" },
} as const;

/** A source range in a key: `192.0.2.0 . 0x00000018`. */
function rangeParts(family: Family, source: string): string {
  const [address, length = ADDRESS_BITS[family]] = prefixParts(source);
  return `${address} . ${markText(Number(length))}`;
}

function changeSources(
  path: SetPath,
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  put: Put,
): void {
  if (!before?.sources.length && !after?.sources.length) return;
  const renamed = before?.comment !== after?.comment;
  // A change of endpoints leaves the ranges as they are, and there may be thousands.
  if (!renamed && sameSources(before?.sources, after?.sources)) return;
  const keys = (resource: FrontendResource | undefined) =>
    (resource?.sources ?? []).map((source) =>
      behind(resource!.frontend, rangeParts(resource!.family, source))
    );
  const [old, now] = [new Set(keys(before)), new Set(keys(after))];
  for (const key of old) if (!now.has(key)) put(path, key, undefined);
  for (const key of now) if (!old.has(key) || renamed) put(path, key, { key, comment: after!.comment });
}

function changeNumbers(
  { endpoints: old }: PinnedEndpoints = NOTHING_PINNED,
  { endpoints: now }: PinnedEndpoints = NOTHING_PINNED,
  renamed: boolean,
  change: (number: string, endpoint: string | undefined) => void,
): void {
  if (old === now && !renamed) return;
  const parts = !renamed && old instanceof ChunkedMap && now instanceof ChunkedMap
    ? old.differing(now)
    : [[old, now] as const];
  for (const [old, now] of parts) {
    for (const number of old.keys()) if (!now.has(number)) change(number, undefined);
    for (const [number, endpoint] of now) {
      if (old.get(number) !== endpoint || renamed) change(number, endpoint);
    }
  }
}

/** Changes the members of a set of numbers to those that have a slot; `distinct`: none has two. */
function changeMembers(
  old: Slots = NO_SLOTS,
  now: Slots = NO_SLOTS,
  { renamed, distinct }: { readonly renamed: boolean; readonly distinct: boolean },
  change: (number: string, present: boolean) => void,
): void {
  if (old === now && !renamed) return;
  // Where each number is in one slot, one whose slot is the same before and after is a member before and after.
  const differing = distinct && !renamed ? differingSlots(old, now) : undefined;
  const membersOf = ({ endpoints }: Slots) =>
    new Set(differing?.flatMap((slot) => endpoints[slot] ?? []) ?? endpoints);
  const [before, after] = [membersOf(old), membersOf(now)];
  for (const number of before) if (!after.has(number)) change(number, false);
  for (const number of after) if (!before.has(number) || renamed) change(number, true);
}

/** Changes only the slots that differ: one endpoint among thousands costs one element. */
function changeSlots(
  old: Slots = NO_SLOTS,
  now: Slots = NO_SLOTS,
  renamed: boolean,
  set: ServiceSet,
  put: PutBehind,
): void {
  if (!renamed && old.endpoints.length > 0) {
    if (old.endpoints === now.endpoints) return;
    for (const slot of differingSlots(old, now)) put(set, slot, now.endpoints[slot]);
    return;
  }
  const length = Math.max(old.endpoints.length, now.endpoints.length);
  for (let slot = 0; slot < length; slot++) put(set, slot, now.endpoints[slot]);
}
