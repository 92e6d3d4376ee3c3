// What a Service needs in the ruleset, as resources that at most one Service holds at a time: frontends with their
// slots, and single elements. Turning a resource into elements, and one state of it into the next, is all here.

import type { Address, Family } from "../nft/data_type.ts";
import type { Element, ElementKey, SetPath } from "../nft/ruleset.ts";
import { PATHS, type ServiceSet } from "./skeleton.ts";
import { NO_SLOTS, type Slots } from "./slots.ts";

/** Where a frontend's elements go: an address has its own key, a NodePort is the same on all of the node's addresses. */
export type FrontendKind = "address" | "nodeport";

/** Of a claim, the strongest first: a cluster IP or NodePort, an address of the load balancer, an external IP. */
export type Rank = 0 | 1 | 2;

/** A frontend: `address . protocol . port` (or `protocol . port`), and what stands behind it. */
export interface FrontendResource {
  readonly kind: "frontend";
  /** The name under which Services claim it. */
  readonly claim: string;
  readonly at: FrontendKind;
  readonly family: Family;
  /** undefined for a NodePort. */
  readonly address?: Address;
  readonly rank: Rank;
  /** Key of the frontend in its verdict maps: `10.96.0.1 . tcp . 80`, `tcp . 30080`. */
  readonly frontend: string;
  /** Names the ServicePort for people: `shop/web:http`. */
  readonly comment: string;
  /** Verdicts by the map they are in; absent: no element. */
  readonly verdicts: { readonly [map in VerdictRole]?: string };
  /** Sources that may come, when the frontend is firewalled; canonical prefixes. */
  readonly sources: readonly string[];
  /** Slots behind the pick chains that draw from all endpoints. */
  readonly slots: Slots;
  /** Slots behind the pick chains that draw from local endpoints. */
  readonly localSlots: Slots;
}

/**
 * What a verdict map is for: `serve` leads to endpoints; `refuse` answers what nobody translated; `policy` and `local`
 * are the two lists of externalTrafficPolicy Local; `guard` is asked first, about the source.
 */
export type VerdictRole = "serve" | "refuse" | "policy" | "local" | "guard";

/** One element that Services may share, such as a cluster IP of several ports. */
export interface ElementResource {
  readonly kind: "element";
  /** The name under which Services claim it. */
  readonly claim: string;
  readonly path: SetPath;
  readonly element: Element;
}

export type Resource = FrontendResource | ElementResource;

/** Puts `element` (or nothing, for undefined) at `key` of `path`. */
export type Put = (path: SetPath, key: ElementKey, element: Element | undefined) => void;

/** Sets of a frontend, by kind and use. */
const SETS: Readonly<
  Record<FrontendKind, Readonly<Record<Exclude<VerdictRole, "guard"> | "slots" | "localSlots", ServiceSet>>>
> = {
  address: {
    serve: "service-ips",
    refuse: "no-endpoint-services",
    policy: "local-policy-ips",
    local: "local-only-ips",
    slots: "endpoints",
    localSlots: "local-endpoints",
  },
  nodeport: {
    serve: "service-nodeports",
    refuse: "no-endpoint-nodeports",
    policy: "local-policy-nodeports",
    local: "local-only-nodeports",
    slots: "nodeport-endpoints",
    localSlots: "local-nodeport-endpoints",
  },
};
const ROLES = ["serve", "refuse", "policy", "local"] as const;

/** A resource of one element. */
export function elementResource(path: SetPath, element: Element): ElementResource {
  return { kind: "element", claim: `${path} ${element.key}`, path, element };
}

/** The name under which Services claim a frontend. */
export function frontendKey(family: Family, frontend: string): string {
  return `${family} frontend ${frontend}`;
}

/** Changes the elements of one resource from `before` to `after`; undefined means that nobody holds it. */
export function changeResource(before: Resource | undefined, after: Resource | undefined, put: Put): void {
  const one = after ?? before;
  if (one === undefined || before === after) return;
  if (one.kind === "element") {
    return put(one.path, one.element.key, (after as ElementResource | undefined)?.element);
  }
  changeFrontend(before as FrontendResource | undefined, after as FrontendResource | undefined, one, put);
}

function changeFrontend(
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  { at, family, frontend }: FrontendResource,
  put: Put,
): void {
  const key = frontend as ElementKey;
  const renamed = before?.comment !== after?.comment;
  const putValue = (path: SetPath, value: string | undefined) =>
    put(path, key, value === undefined ? undefined : { key, value, comment: after!.comment });
  for (const role of ROLES) {
    const verdict = after?.verdicts[role];
    if (renamed || verdict !== before?.verdicts[role]) putValue(PATHS[family][SETS[at][role]], verdict);
  }
  if (before?.verdicts.guard !== undefined || after?.verdicts.guard !== undefined) {
    putValue(PATHS[family]["firewall-ips"], after?.verdicts.guard);
    changeSources(PATHS[family]["firewall-sources"], before, after, put);
  }
  for (const list of ["slots", "localSlots"] as const) {
    const path = PATHS[family][SETS[at][list]];
    changeSlots(before?.[list] ?? NO_SLOTS, after?.[list] ?? NO_SLOTS, renamed, (slot, value) => {
      const key = `${frontend} . ${slot}` as ElementKey;
      put(path, key, value === undefined ? undefined : { key, value, comment: after!.comment });
    });
  }
}

function changeSources(
  path: SetPath,
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  put: Put,
): void {
  const keys = (resource: FrontendResource | undefined) =>
    (resource?.sources ?? []).map((source) => `${resource!.frontend} . ${source}` as ElementKey);
  const [old, now] = [new Set(keys(before)), new Set(keys(after))];
  const renamed = before?.comment !== after?.comment;
  for (const key of old) if (!now.has(key)) put(path, key, undefined);
  for (const key of now) if (!old.has(key) || renamed) put(path, key, { key, comment: after!.comment });
}

/** Only the slots that differ are touched: one endpoint among thousands costs one element. */
function changeSlots(
  { endpoints: old }: Slots,
  { endpoints: now }: Slots,
  renamed: boolean,
  change: (slot: number, value: string | undefined) => void,
): void {
  for (let slot = 0; slot < Math.max(old.length, now.length); slot++) {
    if (old[slot] !== now[slot] || renamed) change(slot, now[slot]);
  }
}
