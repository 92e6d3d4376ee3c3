// Addresses and NodePorts that one Service had in the kernel and another has after a commit: read off the commit's own
// changes, so what is said is what became of packets, whatever happened in between.

import { PATHS } from "../fold/skeleton.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import type { SetPath } from "../nft/ruleset.ts";
import type { Delta } from "./delta.ts";

/** A frontend that changed hands. Services are `namespace/name`. */
export interface MovedFrontend {
  readonly family: Family;
  /** `203.0.113.80 . tcp . 80`, or `tcp . 30080` for a NodePort. */
  readonly frontend: string;
  readonly from: string;
  readonly to: string;
}

/** Every frontend is in one of these, or, with Local policy, in both of its kind. */
const FRONTEND_SETS = [
  "service-ips",
  "no-endpoint-services",
  "service-nodeports",
  "no-endpoint-nodeports",
] as const;
const FAMILY_OF: ReadonlyMap<SetPath, Family> = new Map(
  FAMILIES.flatMap((family) => FRONTEND_SETS.map((set) => [PATHS[family][set], family] as const)),
);

/** Frontends of `delta` that another Service has after it, in the order of the delta. */
export function movedFrontends(delta: Delta): MovedFrontend[] {
  const held = new Map<string, { readonly family: Family; from?: string; to?: string }>();
  for (const { set, key, before, after } of delta) {
    const family = FAMILY_OF.get(set);
    if (family === undefined) continue;
    const name = `${family} ${key}`;
    const hands = held.get(name) ?? { family };
    if (before?.comment !== undefined) hands.from = serviceOf(before.comment);
    if (after?.comment !== undefined) hands.to = serviceOf(after.comment);
    held.set(name, hands);
  }
  return [...held].flatMap(([name, { family, from, to }]) =>
    from === undefined || to === undefined || from === to
      ? []
      : [{ family, frontend: name.slice(family.length + 1), from, to }]
  );
}

/** Frontends shown in one line. */
const SHOWN = 5;

/** One line for each two Services between which frontends moved. */
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

/** `shop/web` of `shop/web:http`: names of Services have no colon, and fit whole into a comment. */
function serviceOf(comment: string): string {
  return comment.split(":", 1)[0]!;
}
