// What people should know of what was folded: Services that want one frontend, parts of Services that are left out,
// Services that are not served. Each is said when it becomes so.

import { SLOT_CLASS_MAX } from "../limits.ts";
import { titleText } from "./claims.ts";
import type { ClusterState, ServiceName } from "./cluster_state.ts";

/** What remarks are about, as it was before records were folded. */
export interface Remarkable {
  readonly contested: ReadonlySet<string>;
  readonly omitted: ReadonlyMap<string, number>;
  readonly aside: ReadonlySet<ServiceName>;
  readonly leftOut: ReadonlyMap<ServiceName, readonly string[]>;
}

/** Parts of one Service that are named in a line. */
const PARTS_SHOWN = 5;

/** `state` as it is now, however it goes on. */
export function remarkable({ contested, omitted, aside, leftOut }: ClusterState): Remarkable {
  return {
    contested: new Set(contested),
    omitted: new Map(omitted),
    aside: new Set(aside.keys()),
    leftOut: new Map(leftOut),
  };
}

/** What is to be said of `state` that was not so `before`. */
export function remarks(state: ClusterState, before: Remarkable): string[] {
  return [
    ...conflicts(state, before),
    ...omissions(state, before),
    ...partsLeftOut(state, before),
    ...[...state.aside].filter(([name]) => !before.aside.has(name)).map(([name, reason]) =>
      `Service ${name} is set aside until it changes: ${reason}`
    ),
  ];
}

function conflicts({ contested, claims, titles }: ClusterState, before: Remarkable): string[] {
  return [...contested].filter((key) => !before.contested.has(key)).sort().map((key) => {
    const [holder, ...others] = claims.get(key)!;
    const frontend = key.replace(" frontend", "");
    const why = titleText(titles.get(key));
    return `${frontend} is claimed by ${others.join(", ")} too: ${holder}, ${why}, has it`;
  });
}

function omissions({ omitted }: ClusterState, before: Remarkable): string[] {
  return [...omitted].filter(([port, count]) => before.omitted.get(port) !== count).sort().map(
    ([port, count]) =>
      `${port}: ${count} ready endpoints get no traffic, because a ServicePort has at most ${SLOT_CLASS_MAX} slots`,
  );
}

function partsLeftOut({ leftOut }: ClusterState, before: Remarkable): string[] {
  const isNew = ([name, parts]: readonly [ServiceName, readonly string[]]) =>
    before.leftOut.get(name)?.join() !== parts.join();
  return [...leftOut].filter(isNew).sort(([a], [b]) => a < b ? -1 : 1).map(([name, parts]) => {
    const more = parts.length > PARTS_SHOWN ? `; and ${parts.length - PARTS_SHOWN} more` : "";
    return `Service ${name}: ${parts.slice(0, PARTS_SHOWN).join("; ")}${more}`;
  });
}
