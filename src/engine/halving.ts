// Batches that bring a part of the changes. A plan of very many changes is committed in parts, so that none of them holds up
// other Services for long. When the kernel refuses a batch as a whole, for its size or because memory is short, the next batch
// has half as many changes, and so on, until one frontend alone is refused. Then a batch without any change is tried. If the
// kernel refuses this one too, no Service is at fault, and the retry is left to the healer. If not, the frontend is tried again;
// refused alone a few times, between batches that the kernel takes, its Service is set aside.

import { splitSetPath } from "../nft/ruleset.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { BATCH_CHANGES_MAX, REFUSALS_ALONE } from "../limits/commits.ts";
import type { Delta } from "../plan/delta.ts";
import { type DeltaPart, partOf } from "../plan/part.ts";
import type { KernelTables } from "./kernel_tables.ts";

/** Set from the refusal of a whole batch, or a plan of very many changes, until a commit leaves nothing out. */
export interface Halving {
  /** Most changes in the next batch. */
  readonly most: number;
  /** The Service whose frontend was refused alone. */
  readonly suspect?: Suspect;
  /** Whether the next batch has no changes, to see whether the kernel takes one at all. */
  readonly probes?: true;
}

/** A Service that may be at fault. */
export interface Suspect {
  readonly service: string;
  readonly error: string;
  /** How many times it was refused alone. */
  readonly times: number;
}

/** What a plan of `changes` begins with, where no batch was refused; undefined where it is committed as a whole. */
export function firstPart(changes: number, tables: KernelTables, cluster: ClusterState): Halving | undefined {
  return changes > BATCH_CHANGES_MAX && !replacesServices(tables, cluster)
    ? { most: BATCH_CHANGES_MAX }
    : undefined;
}

/**
 * Whether tables of ours stand that the next batch replaces, and Services have rules in them: a part would take those of the others
 * away. Where another program deleted our table of one family, the other stands, and has no Service in a cluster of one family.
 */
function replacesServices(tables: KernelTables, { desired }: ClusterState): boolean {
  if (tables.kind !== "to be rebuilt") return false;
  const standing = new Set(tables.old.map(({ family }) => family));
  for (const [path, set] of desired) {
    if (!standing.has(splitSetPath(path).family)) continue;
    for (const { comment } of set.values()) if (comment !== undefined) return true;
  }
  return false;
}

/** The changes of the next batch. */
export function halved(delta: Delta, halving: Halving | undefined): DeltaPart {
  if (halving === undefined) return { delta, left: 0, alone: undefined };
  if (halving.probes) return { delta: [], left: delta.length, alone: undefined };
  return partOf(delta, halving.most);
}

/**
 * What to try after the refusal of a batch with `tried` changes; `alone`: they cannot be cut, and are this Service's. undefined
 * where the kernel refuses every batch, or where no Service can be set aside.
 */
export function refusedWhole(
  halving: Halving | undefined,
  tried: number,
  alone: string | undefined,
  error: string,
): Halving | undefined {
  if (halving?.probes || tried === 0 || alone === "") return undefined;
  if (alone === undefined) return { most: Math.floor(tried / 2) };
  const before = halving?.suspect?.service === alone ? halving.suspect.times : 0;
  return { most: tried, suspect: { service: alone, error, times: before + 1 }, probes: true };
}

/** What follows once the kernel has taken a batch: with `left` nothing left, the next one is whole again. */
export function takenPart({ most, suspect, probes }: Halving, left: number): Halving | undefined {
  if (probes && suspect !== undefined && !isConvicted({ most, suspect, probes })) return { most, suspect };
  if (left === 0) return undefined;
  return { most: probes ? most : Math.min(most * 2, Math.max(most, BATCH_CHANGES_MAX)) };
}

/** Whether the suspect is at fault, now that the kernel has taken a batch without it. */
export function isConvicted({ suspect, probes }: Halving): boolean {
  return probes === true && suspect !== undefined && suspect.times >= REFUSALS_ALONE;
}
