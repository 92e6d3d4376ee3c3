// The door for API objects: validates their shape and prunes them to the fields that this program reads. A wrong part is
// left out with a warning. An object that is wrong as a whole, or in its identity, is a problem and is not decoded. Why not
// reject every wrong object? One endpoint with a bad address would then cost a Service all of its endpoints.

import { OBJECT_BYTES_MAX, OBJECT_WARNINGS_MAX, UTF8_BYTES_MAX } from "../limits/input.ts";
import { cleanObject, identityProblem, type Warn } from "./decode_parts.ts";
import { type KindSchema, SCHEMAS } from "./decode_schemas.ts";
import { fieldsOf } from "./json_value.ts";
import { describeKey, type KubeObject, objectKey } from "./objects.ts";
import { MISFIT, type Size } from "./quick_schema.ts";
import { expectation, quoted } from "./quoted.ts";
import { type Path, valueAt, without } from "./without.ts";
import type * as z from "./zod.ts";

/** The decoded object with a warning for each part that was left out, or the reason why there is none. */
export type Decoded =
  | { readonly ok: true; readonly object: KubeObject; readonly warnings: readonly string[] }
  | {
    readonly ok: false;
    readonly problem: string; /** Its kind decides no rules. */
    readonly otherKind?: true;
  };

/** Decodes one API object (a parsed JSON or YAML value). Never throws for bad input. */
export function decodeObject(value: unknown): Decoded {
  const { kind, apiVersion } = fieldsOf(value);
  const known = typeof kind === "string" && Object.hasOwn(SCHEMAS, kind) ? SCHEMAS[kind] : undefined;
  if (known === undefined) {
    const kinds = Object.keys(SCHEMAS).join(", ");
    return { ok: false, problem: `kind ${quoted(kind, "missing")} is not one of ${kinds}`, otherKind: true };
  }
  const refused = (text: string): Decoded => ({ ok: false, problem: `${kind} ${nameOf(value)}: ${text}` });
  if (apiVersion !== known.apiVersion) {
    return refused(`apiVersion ${quoted(apiVersion, "missing")}, expected "${known.apiVersion}"`);
  }
  const size = { characters: 0 };
  const parsed = parse(known, value, size);
  if ("problem" in parsed) return refused(parsed.problem);
  const object = parsed.data as KubeObject;
  if (known.namespaced && object.metadata.namespace === undefined) {
    return refused("metadata.namespace is missing");
  }
  const doubt = identityProblem(object);
  if (doubt !== "") return refused(doubt);
  const bytes = bytesOver(object, size.characters);
  if (bytes !== undefined) return refused(`${bytes} bytes, more than ${OBJECT_BYTES_MAX}`);
  const warnings = new Warnings(`${describeKey(objectKey(object))}: `);
  for (const text of parsed.leftOut) warnings.add(text);
  return { ok: true, object: cleanObject(object, value, warnings.add), warnings: warnings.texts() };
}

/** The name of an object that was not decoded, for messages. */
function nameOf(value: unknown): string {
  const { namespace, name } = fieldsOf(fieldsOf(value).metadata);
  if (typeof namespace === "string" && typeof name === "string") return quoted(`${namespace}/${name}`);
  return quoted(name ?? undefined, "without a name");
}

type Parsed = { readonly data: unknown; readonly leftOut: readonly string[] } | { readonly problem: string };

/** Parses `value` into an object without fields that are undefined or null, and adds about the length of its JSON to `size`. */
function parse(schema: KindSchema, value: unknown, size: Size): Parsed {
  const data = schema.quickly(value, size);
  if (data !== MISFIT) return { data, leftOut: [] };
  size.characters = 0;
  const parsed = parseInParts(schema, value);
  return "problem" in parsed ? parsed : { ...parsed, data: withoutAbsent(parsed.data, size) };
}

/** Parses `value`. Parts with a wrong shape are left out, and the rest is parsed again. */
function parseInParts({ schema }: KindSchema, value: unknown): Parsed {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { data: parsed.data, leftOut: [] };
  const parts = new Map<string, { path: Path; text: string }>();
  for (const issue of parsed.error.issues) {
    const path = partOf(issue, value);
    if (path === undefined) return { problem: issueText(issue, value) };
    const name = path.join(".");
    if (!parts.has(name)) parts.set(name, { path, text: `${issueText(issue, value)}; left out` });
  }
  const left = [...parts.values()];
  const again = schema.safeParse(without(value, left.map(({ path }) => path)));
  if (!again.success) return { problem: issueText(again.error.issues[0]!, value) };
  return { data: again.data, leftOut: left.map(({ text }) => text) };
}

const SERVICE_NAME = "kubernetes.io/service-name";
/**
 * The identity of an object, and the Service of a slice: if one of these is wrong, it is not known which object is meant. Left out,
 * a cluster IP that is not a text would cost the Service all its rules.
 */
const IDENTITY = [
  "kind",
  "metadata",
  "metadata.name",
  "metadata.namespace",
  `metadata.labels.${SERVICE_NAME}`,
  "spec.clusterIP",
];
/** Maps that may be left out of an object. */
const DISPENSABLE = ["metadata.annotations", "spec.sessionAffinityConfig"];
/** Fields that may be left out of an endpoint: its topology hints, and the node it runs on. */
const ELEMENT_DISPENSABLE = ["hints", "nodeName"];

/**
 * The part that `issue` costs: the innermost element of a list that contains it, or the field; undefined for the whole
 * object. A value that should be a list or map and is not costs the whole object, and the version received before stays
 * in force: left out, `endpoints` would be empty and its Service would lose them all.
 */
function partOf(issue: z.core.$ZodIssue, value: unknown): Path | undefined {
  const { path } = issue;
  if (IDENTITY.includes(path.join("."))) return undefined;
  const outer = DISPENSABLE.find((name) => path.slice(0, 2).join(".") === name);
  if (outer !== undefined) return path.slice(0, 2);
  const element = path.findLastIndex((key) => typeof key === "number");
  const dispensable = path.findIndex((key) => ELEMENT_DISPENSABLE.includes(String(key)));
  if (dispensable > 0 && element >= 0) return path.slice(0, dispensable + 1);
  if (element >= 0) return path.slice(0, element + 1);
  const scalar = issue.code === "invalid_type" && ["string", "number", "boolean"].includes(issue.expected);
  return scalar && (valueAt(value, path) ?? undefined) !== undefined ? path : undefined;
}

function issueText(issue: z.core.$ZodIssue, value: unknown): string {
  return `${issue.path.join(".")}: ${expectation(issue)}, found ${quoted(valueAt(value, issue.path))}`;
}

/**
 * Removes fields that are undefined or null: zod writes absent fields as undefined, and Go reads null as absent. Equal
 * objects then have equal JSON. Adds the approximate length of that JSON to `size`.
 */
function withoutAbsent(value: unknown, size: Size): unknown {
  if (typeof value === "string") size.characters += value.length;
  size.characters += 4;
  if (Array.isArray(value)) return value.map((item) => withoutAbsent(item, size));
  if (typeof value !== "object" || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined || field === null) continue;
    size.characters += key.length;
    kept[key] = withoutAbsent(field, size);
  }
  return kept;
}

/** The most bytes of JSON that one code unit needs: `\u0000` has 6, and UTF-8 has fewer. */
const JSON_BYTES_MAX = Math.max(6, UTF8_BYTES_MAX);

/** The size of an object that is too large for the ledger; undefined for every other. */
function bytesOver(object: KubeObject, characters: number): number | undefined {
  if (characters * JSON_BYTES_MAX <= OBJECT_BYTES_MAX) return undefined;
  const bytes = new TextEncoder().encode(JSON.stringify(object)).length;
  return bytes > OBJECT_BYTES_MAX ? bytes : undefined;
}

/** Warnings about one object: the first few texts, and the number of the others. */
class Warnings {
  readonly #prefix: string;
  readonly #texts: string[] = [];
  #more = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  readonly add: Warn = (text) => {
    if (this.#texts.length < OBJECT_WARNINGS_MAX) this.#texts.push(`${this.#prefix}${text}`);
    else this.#more++;
    return false;
  };

  texts(): readonly string[] {
    return this.#more === 0
      ? this.#texts
      : [...this.#texts, `${this.#prefix}and ${this.#more} more such parts`];
  }
}
