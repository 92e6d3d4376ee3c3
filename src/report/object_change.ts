// The difference that an event makes to an object, as short lines: endpoints added, removed or changed, and other
// fields.

import { sameValue } from "../kube/equality.ts";
import type { EndpointSlice, KubeObject, SliceEndpoint } from "../kube/objects.ts";

/**
 * One line for each change. An object that does not exist is undefined. Fields that the ledger does not keep do not
 * count.
 */
export function objectChange(before: KubeObject | undefined, after: KubeObject | undefined): string[] {
  if (before === undefined && after === undefined) return [];
  const endpoints = endpointChanges(sliceOf(before), sliceOf(after));
  if (before === undefined || after === undefined) return endpoints;
  return [...endpoints, ...fieldChanges(before, after, after.kind === "EndpointSlice")];
}

function sliceOf(object: KubeObject | undefined): EndpointSlice | undefined {
  return object?.kind === "EndpointSlice" ? object : undefined;
}

/** Paths of fields that differ, two levels deep: `spec.ports`. Fields that differ with every write are left out. */
function fieldChanges(before: KubeObject, after: KubeObject, slice: boolean): string[] {
  const [old, now] = [fields(before), fields(after)];
  const differ = [...new Set([...old.keys(), ...now.keys()])].filter((path) =>
    !sameValue(old.get(path), now.get(path)) && !(slice && path === "endpoints") &&
    path !== "metadata.resourceVersion" && path !== "metadata.annotations"
  );
  return differ.sort().map((path) => `${path}: ${brief(old.get(path))} → ${brief(now.get(path))}`);
}

/** The fields of an object by path: those of its parts one level down, lists as a whole. */
function fields(object: KubeObject): Map<string, unknown> {
  return new Map(
    Object.entries(object).flatMap(([name, value]): [string, unknown][] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([inner, value]) => [`${name}.${inner}`, value])
        : [[name, value]]
    ),
  );
}

/** Most characters of a value in a line. */
const BRIEF_MAX = 120;

function brief(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= BRIEF_MAX ? text : `${text.slice(0, BRIEF_MAX)}…`;
}

/** Added, removed and changed endpoints, by their first address, which is the only one that is used. */
function endpointChanges(before: EndpointSlice | undefined, after: EndpointSlice | undefined): string[] {
  const [old, now] = [conditions(before), conditions(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((address) => {
    const [was, is] = [old.get(address), now.get(address)];
    if (was === is) return [];
    if (was === undefined) return [`+ ${address} ${is}`];
    return [is === undefined ? `− ${address} ${was}` : `${address}: ${was} → ${is}`];
  });
}

/** {@link conditionText} of each endpoint, by address. */
function conditions(slice: EndpointSlice | undefined): Map<string, string> {
  return new Map((slice?.endpoints ?? []).map((one) => [one.addresses[0] ?? "", conditionText(one)]));
}

/** `ready`, `not ready`, `terminating`, or `terminating, serving` for one that still answers. */
export function conditionText({ conditions }: SliceEndpoint): string {
  const { ready, serving, terminating } = conditions ?? {};
  if (terminating === true) return serving === false ? "terminating" : "terminating, serving";
  return ready === false ? "not ready" : "ready";
}
