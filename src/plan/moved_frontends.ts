// Frontends that belonged to one Service in the kernel and belong to another after a commit. They are derived from the
// commit's own changes, not from events: only a change in the kernel changes where packets go.

import { frontendInKey } from "../fold/resource.ts";
import { PATHS } from "../fold/skeleton.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import type { SetPath } from "../nft/ruleset.ts";
import type { Delta } from "./delta.ts";

/** A frontend that moved. Services are `namespace/name`. */
export interface MovedFrontend {
  readonly family: Family;
  /** `203.0.113.80 . tcp . 80`, or `tcp . 30080` for a NodePort. */
  readonly frontend: string;
  readonly from: string;
  readonly to: string;
}

/**
 * The maps that frontends are keys of, and the one of slots: a cluster IP with two endpoints is in no other. A frontend can be in
 * several.
 */
const FRONTEND_SETS = [
  "endpoints",
  "single-endpoints",
  "single-external-endpoints",
  "service-ips",
  "no-endpoint-services",
  "service-nodeports",
  "no-endpoint-nodeports",
] as const;
const FAMILY_OF: ReadonlyMap<SetPath, Family> = new Map(
  FAMILIES.flatMap((family) => FRONTEND_SETS.map((set) => [PATHS[family][set], family] as const)),
);

/** Frontends of `delta` that belong to another Service after it, in the order of the delta. */
export function movedFrontends(delta: Delta): MovedFrontend[] {
  // Most commits take no frontend from a Service, and a first one takes none of all: they cost one pass.
  const left = new Map<string, string>();
  for (const { set, key, before, after } of delta) {
    // Where an element stays its ServicePort's, nothing moves: so it is with nearly all changes of endpoints.
    if (before?.comment === undefined || before.comment === after?.comment) continue;
    const family = FAMILY_OF.get(set);
    if (family !== undefined) {
      left.set(`${family} ${frontendInKey(set, key)}`, serviceOfComment(before.comment));
    }
  }
  if (left.size === 0) return [];
  const moved = new Map<string, MovedFrontend>();
  for (const { set, key, after } of delta) {
    const family = FAMILY_OF.get(set);
    if (family === undefined || after?.comment === undefined) continue;
    const frontend = frontendInKey(set, key);
    const [from, to] = [left.get(`${family} ${frontend}`), serviceOfComment(after.comment)];
    if (from !== undefined && from !== to) {
      moved.set(`${family} ${frontend}`, { family, frontend, from, to });
    }
  }
  return [...moved.values()];
}

/** Most frontends in one line. */
const SHOWN = 5;

/** One line for each pair of Services between which frontends moved. */
export function movedTexts(
  moved: readonly MovedFrontend[],
): (Pick<MovedFrontend, "from" | "to"> & { text: string })[] {
  const pairs = Map.groupBy(moved, ({ from, to }) => `${from} ${to}`);
  return [...pairs.values()].map((all) => {
    const { from, to } = all[0]!;
    const shown = all.slice(0, SHOWN).map(({ family, frontend }) => `${family} ${frontend}`).join(", ");
    const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : "";
    return { from, to, text: `${shown}${more}: served ${from} until now, leads to ${to} from now on` };
  });
}
