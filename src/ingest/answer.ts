// Checks the answers of an API server: a page of a list, a line of a watch. Each function returns the checked value, or throws
// an ApiFailure that says what the server sent instead. Nothing is decided by an answer before these checks. Pure.

import { countText } from "../count_text.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { quoted } from "../kube/quoted.ts";
import { unreachable } from "../invariant.ts";
import type { ObjectKey } from "../kube/objects.ts";
import { VERSION_CHARACTERS_MAX } from "../limits/input.ts";
import { type ApiFailure, beginning, invalid, isStatus, statusFailure } from "./api_failure.ts";
import { BadLine } from "./body.ts";
import { INITIAL_EVENTS_END } from "./protobuf_fields.ts";
import type { ApiResource } from "./resources.ts";

/** One page of a list. */
export interface Page {
  readonly items: readonly Record<string, unknown>[];
  /** Version of the list; "" where the server sent none. */
  readonly resourceVersion: string;
  /** Continue token for the next page; "" on the last page. */
  readonly token: string;
}

/** One line of a watch. */
export type Line =
  | { readonly kind: "object"; readonly object: Record<string, unknown>; readonly resourceVersion: string }
  | { readonly kind: "deleted"; readonly key: ObjectKey; readonly resourceVersion: string }
  | { readonly kind: "bookmark"; readonly resourceVersion: string; readonly endsList: boolean };

type Fields = Readonly<Record<string, unknown>>;

/** Checks that `value` is a page of a list of `resource`. */
export function pageOf(value: unknown, resource: ApiResource): Page {
  const kind = `${resource.kind}List`;
  const page = objectOr(value, a(kind));
  if (page["kind"] !== kind || page["apiVersion"] !== resource.apiVersion) {
    throw invalid(`${described(page)} where ${a(kind)} of ${resource.apiVersion} was expected`);
  }
  const { items } = page;
  if (!Array.isArray(items)) throw invalid(`${a(kind)} whose items are ${described(items)}`);
  // Go reads null as an object without any field. It has no name, so the list deletes nothing.
  const objects = items.includes(null) ? items.map((item) => item ?? {}) : items;
  for (const item of objects) checkItem(item, resource);
  const { metadata = {} } = page;
  if (!isJsonObject(metadata)) throw invalid(`${a(kind)} whose metadata is ${described(metadata)}`);
  return { items: objects, resourceVersion: versionOf(metadata), token: tokenOf(metadata, kind) };
}

/** The token of the next page. A token that is missing or cannot be sent back would make this page the last one. */
function tokenOf({ continue: token, remainingItemCount: remaining }: Fields, kind: string): string {
  if (typeof token !== "string" && token !== undefined && token !== null) {
    throw invalid(`${a(kind)} whose continue token is ${described(token)}`);
  }
  if (typeof remaining !== "number" && remaining !== undefined && remaining !== null) {
    throw invalid(`${a(kind)} whose remainingItemCount is ${described(remaining)}`);
  }
  if (!token && (remaining ?? 0) > 0) {
    throw invalid(`${a(kind)} without a continue token that leaves out ${countText(remaining ?? 0, "item")}`);
  }
  return sendable(token ?? "", "continue token");
}

/** Items of a typed list usually have no kind. An item that names another kind does not belong to this list. */
function checkItem(item: unknown, { kind, apiVersion }: ApiResource): void {
  const fits = isJsonObject(item) && (item["kind"] === undefined || item["kind"] === kind) &&
    (item["apiVersion"] === undefined || item["apiVersion"] === apiVersion);
  if (!fits) throw invalid(`${described(item)} among the items of ${a(`${kind}List`)}`);
}

/** `kind` with its article. */
function a(kind: string): string {
  return `${/^[AEIOU]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** Checks that `value` is a line of a watch of `resource`. */
export function watchLineOf(value: unknown, resource: ApiResource): Line {
  if (value instanceof BadLine) throw value.failure;
  const { type, object } = objectOr(value, "a watch event");
  if (type === "ERROR") throw errorLine(object);
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED" && type !== "BOOKMARK") {
    throw invalid(
      type === undefined
        ? `${described(value)} where a watch event was expected`
        : `a watch event of type ${beginning(JSON.stringify(type))}`,
    );
  }
  if (!isJsonObject(object)) throw invalid(`a watch event ${type} whose object is ${described(object)}`);
  if (isStatus(object)) throw statusFailure(object);
  const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  const resourceVersion = versionOf(metadata);
  switch (type) {
    case "BOOKMARK":
      checkKind(type, object, resource);
      return { kind: "bookmark", resourceVersion, endsList: endsList(metadata) };
    case "DELETED":
      return { kind: "deleted", key: deletedKey(object, resource), resourceVersion };
    case "ADDED":
    case "MODIFIED":
      checkKind(type, object, resource);
      return { kind: "object", object, resourceVersion };
    default:
      return unreachable(type);
  }
}

/** Rejects an event whose object is of another kind or API group. Only a bookmark may leave both out. */
function checkKind(type: string, object: Fields, resource: ApiResource): void {
  const { kind, apiVersion } = type === "BOOKMARK" ? { ...resource, ...object } : object;
  if (kind === resource.kind && apiVersion === resource.apiVersion) return;
  throw invalid(`a watch event ${type} with ${described(object)}, expected ${a(resource.kind)}`);
}

function errorLine(object: unknown): ApiFailure {
  if (isStatus(object)) return statusFailure(object);
  return invalid(`a watch event ERROR whose object is ${described(object)}`);
}

function endsList(metadata: Record<string, unknown>): boolean {
  const { annotations } = metadata;
  return isJsonObject(annotations) && annotations[INITIAL_EVENTS_END] === "true";
}

/** Only the name of a deleted object matters, and a server may send no more (PartialObjectMetadata). */
function deletedKey(object: Fields, resource: ApiResource): ObjectKey {
  const { kind, apiVersion = resource.apiVersion } = object;
  const key = itemKey(object, resource);
  const fits = kind === undefined || kind === "PartialObjectMetadata" ||
    (kind === resource.kind && apiVersion === resource.apiVersion);
  if (!fits || key === undefined) {
    throw invalid(`a watch event DELETED with ${described(object)}, which names no ${resource.kind}`);
  }
  return key;
}

/** The key of an object, which may be wrong in all other fields; undefined where it has no name. */
export function itemKey(
  item: Record<string, unknown>,
  { kind, namespaced }: ApiResource,
): ObjectKey | undefined {
  const metadata = isJsonObject(item["metadata"]) ? item["metadata"] : {};
  const [name, namespace] = [textOf(metadata["name"]), textOf(metadata["namespace"])];
  if (name === "" || (namespaced && namespace === "")) return undefined;
  return { kind, namespace: namespaced ? namespace : "", name };
}

function objectOr(value: unknown, expected: string): Record<string, unknown> {
  if (!isJsonObject(value)) throw invalid(`${described(value)} where ${expected} was expected`);
  if (isStatus(value)) throw statusFailure(value);
  return value;
}

/** The resourceVersion; "" where there is none. "0" means any version, so it counts as none. */
function versionOf(metadata: Record<string, unknown>): string {
  const version = sendable(textOf(metadata["resourceVersion"]), "resourceVersion");
  return version === "0" ? "" : version;
}

/** Refuses a text that is too long for a URL: no request could ever be made with it. */
function sendable(text: string, name: string): string {
  if (text.length <= VERSION_CHARACTERS_MAX) return text;
  throw invalid(`a ${name} of ${text.length} characters, more than ${VERSION_CHARACTERS_MAX}`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `value` if it is a text, else what it is: what JSON describes need not have a text, and a conversion could throw. */
function textOr(value: unknown): string {
  return typeof value === "string" ? value : quoted(value, "no apiVersion");
}

/** A short description of `value`, for messages. */
function described(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return `an array`;
  if (!isJsonObject(value)) return beginning(JSON.stringify(value));
  const { kind, apiVersion } = value;
  if (typeof kind === "string") return beginning(`${kind} of ${textOr(apiVersion)}`);
  return `an object without a kind: ${beginning(JSON.stringify(value))}`;
}
