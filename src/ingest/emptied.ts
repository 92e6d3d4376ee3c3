// Guards against a list of files that is empty by mistake. An empty list need not mean an empty cluster: a folder that is not
// mounted, a wrong path and a truncated file look the same. Pure.

import { countText } from "../count_text.ts";
import { NAMES_SHOWN_MAX } from "../limits/input.ts";
import { describeKey, type KubeObject, objectKey } from "../kube/objects.ts";
import type { ListBatch } from "./source.ts";

/**
 * Why a list without objects is rejected while objects are `known`; undefined where the list may be applied. `allowEmpty`
 * lets a complete list be empty, never one with files that cannot be read.
 */
export function emptied(
  { objects, complete }: ListBatch,
  known: ReadonlyMap<string, KubeObject>,
  allowEmpty: boolean,
): string | undefined {
  if (objects.length > 0 || known.size === 0 || (complete && allowEmpty)) return undefined;
  const found = complete ? "there is no object in it" : "none of its objects can be read";
  const remedy = complete ? "; where the cluster is really empty, say so with --allow-empty" : "";
  return `${found}, and the ledger knows ${known.size}: nothing is deleted${remedy}`;
}

/** Which objects, `known` from an earlier run, by {@link describeKey}, the first list deletes; undefined where it deletes none. */
export function deletedByList(
  { objects, complete }: ListBatch,
  known: ReadonlyMap<string, KubeObject>,
): string | undefined {
  if (!complete) return undefined;
  const listed = new Set(objects.map((object) => describeKey(objectKey(object))));
  const gone = [...known.keys()].filter((name) => !listed.has(name)).sort();
  if (gone.length === 0) return undefined;
  const more = gone.length > NAMES_SHOWN_MAX ? ", ..." : "";
  return `of ${countText(known.size, "object")} that the ledger knows ${
    countText(gone.length, "is in no file any more and is", "are in no file any more and are")
  } deleted: ${gone.slice(0, NAMES_SHOWN_MAX).join(", ")}${more}`;
}
