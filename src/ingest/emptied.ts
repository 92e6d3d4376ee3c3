// What a list of files may take away. Files do not say that a cluster is empty: a folder that was not mounted, the wrong
// path and a file that was truncated look the same. Pure.

import { describeKey, type KubeObject, objectKey } from "../kube/objects.ts";
import type { ListBatch } from "./source.ts";

/** Names of deleted objects that a message shows. */
const NAMES_SHOWN = 3;

/** Why a list without any object is not believed where so much is `known`; undefined where it is. */
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

/** What a first list deletes of what is `known` from another run; undefined where that is nothing. */
export function deletedByList(
  { objects, complete }: ListBatch,
  known: ReadonlyMap<string, KubeObject>,
): string | undefined {
  if (!complete) return undefined;
  const listed = new Set(objects.map((object) => describeKey(objectKey(object))));
  const gone = [...known.keys()].filter((name) => !listed.has(name)).sort();
  if (gone.length === 0) return undefined;
  const more = gone.length > NAMES_SHOWN ? ", ..." : "";
  return `of ${known.size} objects that the ledger knows ${gone.length} are in no file any more and are deleted: ${
    gone.slice(0, NAMES_SHOWN).join(", ")
  }${more}`;
}
