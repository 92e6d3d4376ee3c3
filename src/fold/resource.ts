// What a Service needs in the ruleset, as resources that at most one Service holds at a time: frontends with their
// slots, and single elements. Turning a resource into elements, and one state of it into the next, is all here.

import { type Family } from "../nft/data_type.ts";
import { type Element, type ElementKey, type SetPath } from "../nft/ruleset.ts";
import { pickChain } from "./pick_chains.ts";
import { PATHS, type ServiceSet } from "./skeleton.ts";
import { NO_SLOTS, type Slots } from "./slots.ts";

/** A frontend: `address . protocol . port`, and the endpoints behind it. */
export interface FrontendResource {
  readonly kind: "frontend";
  readonly family: Family;
  /** Key of the frontend in `service-ips`: `10.96.0.1 . tcp . 80`. */
  readonly frontend: string;
  /** Names the ServicePort for people: `shop/web:http`. */
  readonly comment: string;
  readonly slots: Slots;
}

/** One element that Services may share, such as a cluster IP of several ports. */
export interface ElementResource {
  readonly kind: "element";
  readonly path: SetPath;
  readonly element: Element;
}

export type Resource = FrontendResource | ElementResource;

/** Puts `element` (or nothing, for undefined) at `key` of `path`. */
export type Put = (path: SetPath, key: ElementKey, element: Element | undefined) => void;

/** The name under which Services claim a resource. */
export function resourceKey(resource: Resource): string {
  return resource.kind === "frontend"
    ? `${resource.family} frontend ${resource.frontend}`
    : `${resource.path} ${resource.element.key}`;
}

/** Changes the elements of one resource from `before` to `after`; undefined means that nobody holds it. */
export function changeResource(before: Resource | undefined, after: Resource | undefined, put: Put): void {
  const one = after ?? before;
  if (one === undefined) return;
  if (one.kind === "element") {
    return put(one.path, one.element.key, (after as ElementResource | undefined)?.element);
  }
  changeFrontend(before as FrontendResource | undefined, after as FrontendResource | undefined, one, put);
}

function changeFrontend(
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  { family, frontend }: FrontendResource,
  put: Put,
): void {
  const key = frontend as ElementKey;
  const served = (after?.slots.endpoints.length ?? 0) > 0;
  const verdict = (set: ServiceSet, value: string | undefined) =>
    put(
      PATHS[family][set],
      key,
      value === undefined ? undefined : { key, value, comment: after!.comment },
    );
  verdict("service-ips", served ? `goto ${pickChain("pick", after!.slots.slotClass)}` : undefined);
  verdict("no-endpoint-services", after === undefined || served ? undefined : "goto reject-chain");
  changeSlots(before, after, PATHS[family].endpoints, frontend, put);
}

/** Only the slots that differ are touched: one endpoint among thousands costs one element. */
function changeSlots(
  before: FrontendResource | undefined,
  after: FrontendResource | undefined,
  path: SetPath,
  frontend: string,
  put: Put,
): void {
  const old = (before?.slots ?? NO_SLOTS).endpoints;
  const now = (after?.slots ?? NO_SLOTS).endpoints;
  const renamed = before?.comment !== after?.comment;
  for (let slot = 0; slot < Math.max(old.length, now.length); slot++) {
    if (old[slot] === now[slot] && !renamed) continue;
    const key = `${frontend} . ${slot}` as ElementKey;
    const value = now[slot];
    put(path, key, value === undefined ? undefined : { key, value, comment: after!.comment });
  }
}
