// What the kernel holds of our tables, as one value. It changes with a listing, with a commit, and when the skeleton
// changes; a rejected commit changes nothing in the kernel, and nothing here.

import { TABLE } from "../fold/skeleton.ts";
import type { TableName } from "../kernel/kernel.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { Elements } from "../nft/ruleset.ts";
import type { MutableElements } from "../plan/delta.ts";
import type { Digest } from "../plan/digest.ts";

/** Our tables in both families. */
export const OUR_TABLES: readonly TableName[] = FAMILIES.map((family) => ({ family, name: TABLE }));

/**
 * `listed` in the two kinds that have it: the kernel was listed, and the source has brought no batch since. If the kernel then
 * rejects a plan, the plan was made from what is really there, so one of its own operations is at fault.
 */
export type KernelTables =
  /** Neither a listing nor a commit has shown it yet. The first commit makes the tables and deletes none. */
  | { readonly kind: "unknown" }
  /** Our tables are absent, or their skeleton is not the desired one. The next commit deletes `old` and makes them. */
  | {
    readonly kind: "to be rebuilt";
    readonly listed: boolean;
    readonly old: readonly TableName[];
    /** The elements of `old` as far as they are known: which Service had which address. */
    readonly replaced: Elements;
  }
  /** Our tables are in place with the desired skeleton. */
  | {
    readonly kind: "in place";
    readonly listed: boolean;
    /** Every element the kernel holds. Changed in place by a commit that the kernel has applied. */
    readonly elements: MutableElements;
    /** Digest of the skeleton and `elements`. */
    readonly digest: Digest;
    /** Whether the element with the ledger's position is right. If not, a commit is due though no other element differs. */
    readonly positioned: boolean;
  };

const NONE: Elements = new Map();

/** The elements that are in place. Tables that are to be rebuilt count as empty: a rebuild adds every element. */
export function elementsInPlace(tables: KernelTables): Elements {
  return tables.kind === "in place" ? tables.elements : NONE;
}

/** Whether what is known comes from a listing, and the source has brought no batch since. */
export function isListed(tables: KernelTables): boolean {
  return tables.kind !== "unknown" && tables.listed;
}

/** `tables` after a batch of the source. */
export function afterBatch(tables: KernelTables): KernelTables {
  return tables.kind === "unknown" || !tables.listed ? tables : { ...tables, listed: false };
}

/** `tables` that must be rebuilt in place of `old`. `elements`: what they held; where it is empty, what `tables` has kept stays. */
export function toBeRebuilt(
  tables: KernelTables,
  old: readonly TableName[],
  listed: boolean,
  elements: Elements = elementsInPlace(tables),
): KernelTables {
  const before = tables.kind === "to be rebuilt" ? tables.replaced : NONE;
  return { kind: "to be rebuilt", listed, old, replaced: elements.size > 0 ? elements : before };
}
