// What a record changed in an object, in the object's own terms: fields with their old and new value, endpoints that came, went or
// changed their condition. Fields that change with every write do not count, and of annotations only our own decide rules.

import { isJsonObject } from "../kube/json_value.ts";
import type { EndpointSlice, KubeObject, SliceEndpoint } from "../kube/objects.ts";
import { podOf } from "./directory.ts";

/** A field that changed. */
export interface FieldChange {
  /** `externalTrafficPolicy`, `ports[http].nodePort`: without the `spec.` before it. */
  readonly path: string;
  /** "" where it was absent. */
  readonly was: string;
  /** "" where it is absent. */
  readonly is: string;
}

/** An endpoint of a slice that changed. */
export interface EndpointChange {
  /** As the object spells it. */
  readonly address: string;
  /** Its condition (`ready`, `not ready`, `terminating`, `terminating, serving`) and hints before; "" where it was not there. */
  readonly was: string;
  /** The same after; "" where it is gone. */
  readonly is: string;
  /** "" where the object names none. */
  readonly node: string;
  /** `namespace/name`; "" where the ledger does not know it. */
  readonly pod: string;
}

const IGNORED = new Set([
  ...["kind", "endpoints", "metadata.resourceVersion", "metadata.creationTimestamp"],
  ...["metadata.name", "metadata.namespace"],
]);
/** Annotations of other programs are evidence, and some of them change with every write. */
const OTHERS_ANNOTATION = /^metadata\.annotations\.(?!ledgerproxy\.io\/)/;
/** Longest value that is shown whole. */
const CHARACTERS_MAX = 80;

/** What became of an object, a line for each endpoint and field. Undefined is an object that does not exist. */
export function objectChanges(before: KubeObject | undefined, after: KubeObject | undefined): string[] {
  const endpoints = endpointChanges(sliceOf(before), sliceOf(after)).map(endpointChangeText);
  if (before === undefined || after === undefined) return endpoints;
  return [...endpoints, ...fieldChanges(before, after).map(fieldChangeText)];
}

/** `object`, where it is a slice. */
export function sliceOf(object: KubeObject | null | undefined): EndpointSlice | undefined {
  return object?.kind === "EndpointSlice" ? object : undefined;
}

/** The fields that differ between two versions of an object, in order of their names. */
export function fieldChanges(before: KubeObject, after: KubeObject): FieldChange[] {
  const [old, now] = [fieldsOfObject(before), fieldsOfObject(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((path) => {
    const [was, is] = [old.get(path) ?? "", now.get(path) ?? ""];
    return was === is ? [] : [{ path: path.replace(/^(spec|status)\./, ""), was: brief(was), is: brief(is) }];
  });
}

function fieldsOfObject(object: KubeObject): Map<string, string> {
  const found = new Map<string, string>();
  gather(object, "", found);
  return found;
}

/** Enters every value below `value` by its path. Elements of a list have no place: an entry is named by its name or its value. */
function gather(value: unknown, path: string, found: Map<string, string>): void {
  if (IGNORED.has(path) || OTHERS_ANNOTATION.test(path) || value === undefined || value === null) return;
  if (Array.isArray(value)) {
    for (const entry of value) {
      if (isJsonObject(entry)) gather(entry, `${path}[${entryName(entry)}]`, found);
      else found.set(`${path}[${String(entry)}]`, String(entry));
    }
  } else if (isJsonObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      gather(field, path === "" ? name : `${path}.${name}`, found);
    }
  } else found.set(path, String(value));
}

function entryName(entry: Readonly<Record<string, unknown>>): string {
  const name = entry["name"] ?? entry["ip"] ?? entry["key"] ?? entry["address"] ?? entry["port"];
  return typeof name === "string" || typeof name === "number" ? String(name) : "";
}

function brief(text: string): string {
  return text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX)}...`;
}

/** The endpoints that differ between two versions of a slice, by address; undefined is a slice that does not exist. */
export function endpointChanges(
  before: EndpointSlice | undefined,
  after: EndpointSlice | undefined,
): EndpointChange[] {
  const [old, now] = [endpointsByAddress(before), endpointsByAddress(after)];
  const namespace = (after ?? before)?.metadata.namespace ?? "";
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((address) => {
    const [one, other] = [old.get(address), now.get(address)];
    const moved = one?.nodeName !== undefined && other !== undefined && one.nodeName !== other.nodeName
      ? `, before on ${one.nodeName}`
      : "";
    const [was, is] = [stateText(one), `${stateText(other)}${moved}`];
    const known = other ?? one!;
    return was === is
      ? []
      : [{ address, was, is, node: known.nodeName ?? "", pod: podOf(known, namespace) ?? "" }];
  });
}

/** By the first address, which is the only one that is used. */
function endpointsByAddress(slice: EndpointSlice | undefined): Map<string, SliceEndpoint> {
  return new Map((slice?.endpoints ?? []).map((one) => [one.addresses[0] ?? "", one]));
}

function stateText(endpoint: SliceEndpoint | undefined): string {
  if (endpoint === undefined) return "";
  const zones = (endpoint.hints?.forZones ?? []).map(({ name }) => name);
  const nodes = (endpoint.hints?.forNodes ?? []).map(({ name }) => name);
  const hints = [...zones, ...nodes].sort();
  return `${readiness(endpoint)}${hints.length === 0 ? "" : ` for ${hints.join(", ")}`}`;
}

/** The condition of an endpoint in words. */
export type Readiness = "ready" | "not ready" | "terminating" | "terminating, serving";

/** `ready`, `not ready`, `terminating`, or `terminating, serving` for one that still answers. */
export function readiness({ conditions }: SliceEndpoint): Readiness {
  const { ready, serving, terminating } = conditions ?? {};
  if (terminating === true) return serving === false ? "terminating" : "terminating, serving";
  return ready === false ? "not ready" : "ready";
}

/** Whether the hints of an endpoint named `zone` before or after. */
export function isHintedAt({ was, is }: EndpointChange, zone: string): boolean {
  return [was, is].some((text) => text.split(/[ ,]+/).includes(zone));
}

/** `externalTrafficPolicy: Local -> Cluster`; `externalIPs: + 198.51.100.7` for an entry of a list. */
export function fieldChangeText({ path, was, is }: FieldChange): string {
  const entry = /^(.*)\[([^\]]*)\]$/.exec(path);
  if (entry !== null && (was === "" || is === "")) {
    return `${entry[1]}: ${was === "" ? `+ ${is}` : `- ${was}`}`;
  }
  return `${path}: ${was === "" ? "none" : was} -> ${is === "" ? "none" : is}`;
}

/** `+ 10.244.0.33 ready on node-b`, `10.244.0.33 on node-b: ready -> not ready`. */
export function endpointChangeText({ address, was, is, node, pod }: EndpointChange): string {
  const place = `${node === "" ? "" : ` on ${node}`}${pod === "" ? "" : ` (${pod})`}`;
  if (was === "") return `+ ${address} ${is}${place}`;
  if (is === "") return `- ${address} ${was}${place}`;
  return `${address}${place}: ${was} -> ${is}`;
}
