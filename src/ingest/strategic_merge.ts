// Applies a strategic merge patch (kubectl patch, and recordings of KWOK) to an object of a kind that is watched. Pure. Lists are
// replaced, except those whose Go fields have patchStrategy "merge" (k8s.io/api 0.37, core/v1 and meta/v1).

import { fieldsOf, isJsonObject } from "../kube/json_value.ts";

/** Lists that are merged, by path: with the field that names an item, or "" for lists of texts. */
const MERGED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": { "metadata.finalizers": "", "metadata.ownerReferences": "uid", "status.conditions": "type" },
  Service: { "spec.ports": "port" },
  Node: { "spec.podCIDRs": "", "status.addresses": "type" },
};

/** An object of JSON. */
type Json = Readonly<Record<string, unknown>>;

/** A patch that names an item of a list that it cannot be found by. */
export class AmbiguousPatch extends Error {
  override readonly name = "AmbiguousPatch";
}

/** `object` of `kind` after `patch`. Throws {@link AmbiguousPatch}. */
export function strategicMerge(kind: string, object: Json, patch: Json): Json {
  return mergeMap({ ...MERGED[""], ...MERGED[kind] }, "", object, patch);
}

type Keys = Readonly<Record<string, string>>;

function mergeMap(keys: Keys, path: string, object: Json, patch: Json): Json {
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === "replace") return fields;
  const merged: Record<string, unknown> = { ...object };
  for (const [name, value] of Object.entries(fields)) {
    const at = path === "" ? name : `${path}.${name}`;
    if (name.startsWith("$")) continue;
    const before = merged[name];
    if (value === null) delete merged[name];
    else if (Array.isArray(value)) {
      merged[name] = mergeList(keys, at, Array.isArray(before) ? before : [], value);
    } else if (isJsonObject(value)) {
      merged[name] = mergeMap(keys, at, isJsonObject(before) ? before : {}, value);
    } else merged[name] = value;
  }
  for (const [name, values] of Object.entries(fields)) {
    const [, verb, field] = /^\$(deleteFromPrimitiveList|setElementOrder)\/(.+)$/.exec(name) ?? [];
    const list = merged[field ?? ""];
    if (field === undefined || !Array.isArray(values) || !Array.isArray(list)) continue;
    const key = keys[path === "" ? field : `${path}.${field}`] ?? "";
    merged[field] = verb === "setElementOrder"
      ? inOrder(list, values, key)
      : list.filter((item) => !values.includes(item));
  }
  if (!Array.isArray(retained)) return merged;
  return Object.fromEntries(Object.entries(merged).filter(([name]) => retained.includes(name)));
}

function mergeList(keys: Keys, path: string, list: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const key = keys[path];
  if (key === undefined) return [...patch];
  if (key === "") return [...new Set([...list, ...patch])];
  const merged = [...list];
  for (const item of patch) {
    if (!isJsonObject(item)) continue;
    const found = merged.flatMap((one, i) => nameOf(one, key) === item[key] ? [i] : []);
    // Kubernetes itself does not find the right one of such items (kubernetes/kubernetes issue 39188).
    if (found.length > 1) {
      throw new AmbiguousPatch(`${path} has ${found.length} items with ${key} ${item[key]}`);
    }
    const [at] = found;
    if (item["$patch"] === "delete") { if (at !== undefined) merged.splice(at, 1); }
    else if (at === undefined) merged.push(mergeMap(keys, `${path}[]`, {}, item));
    else merged[at] = mergeMap(keys, `${path}[]`, fieldsOf(merged[at]), item);
  }
  return merged;
}

/** `list` in the order of `wanted`, which has items or only their names. What it does not name comes last. */
function inOrder(list: readonly unknown[], wanted: readonly unknown[], key: string): unknown[] {
  const names = wanted.map((one) => nameOf(one, key));
  const place = (item: unknown) => {
    const at = names.indexOf(nameOf(item, key));
    return at < 0 ? names.length : at;
  };
  return list.toSorted((a, b) => place(a) - place(b));
}

function nameOf(item: unknown, key: string): unknown {
  return key === "" || !isJsonObject(item) ? item : item[key];
}
