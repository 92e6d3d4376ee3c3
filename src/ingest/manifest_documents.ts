// Reads API objects from the text of YAML or JSON files, and writes them. A file may have several documents and Lists, and may
// be cut in the middle. Whole objects are returned; a problem names the line of each object that cannot be read.

import { isJsonObject } from "../kube/json_value.ts";
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  stringify,
  type Tags,
  visit,
} from "yaml";
import { partsExcess } from "../json_parts.ts";
import { YAML_CHARACTERS_MAX, YAML_DEPTH_MAX, YAML_DOCUMENTS_MAX, YAML_PARTS_MAX } from "../limits.ts";
import { listItem } from "./manifest_list.ts";
import { yamlFault, yamlRefusal } from "./yaml_faults.ts";
import { KUBERNETES_SCALARS } from "./yaml_scalars.ts";

/** Most values that aliases may repeat in a document. Aliases of aliases can double the size of a document at each step. */
const ALIASES_MAX = 100;

/** The content of one file. */
export interface Documents {
  readonly values: readonly unknown[];
  /** How many documents have content. A list without items is one of them. */
  readonly count: number;
  /** `file:line: problem`, and what this program does about it. They contain nothing of the file. */
  readonly problems: readonly string[];
  /** Keys that are twice in one map. The last one counts, as in Kubernetes' decoder. */
  readonly repeated: readonly RepeatedKey[];
}

/** A key that is twice in one map. */
export interface RepeatedKey {
  /** The document with the map. */
  readonly document: unknown;
  /** Line of the second key, counted from 1. */
  readonly line: number;
  readonly key: string;
}

/** The version of YAML in a file: 1.2, or 1.2 with the booleans, numbers and merge keys of 1.1, as Kubernetes reads it. */
export type Dialect = "1.2" | "kubernetes";

/** Reads the API objects in `text`, the content of `file`. Never throws for bad input. */
export function readDocuments(file: string, text: string, dialect: Dialect = "1.2"): Documents {
  if (/\.json$/i.test(file)) {
    const excess = partsExcess(text);
    if (excess !== undefined) return unread(file, `${excess}: divide it into several files`);
    try {
      return { ...flatten(file, [JSON.parse(text)]), repeated: [] };
    } catch {
      // JSON is YAML too: the parser below finds the line of the error, and the whole objects before it.
    }
  }
  const excess = excessOf(text);
  if (excess !== undefined) {
    return unread(file, `more than ${excess} of YAML: write it as JSON, which may be longer`);
  }
  try {
    return readYaml(file, text, dialect);
  } catch (error) {
    return unread(file, yamlRefusal(error));
  }
}

/** What is read of a `file` of which nothing is used. */
function unread(file: string, problem: string): Documents {
  return { values: [], count: 0, problems: [`${file}: ${problem}. ${keptText(0)}`], repeated: [] };
}

/** The one document of `text`, as Kubernetes reads it, or the problem and its line. It contains nothing of the file. */
export function readOneDocument(
  text: string,
): { readonly value: unknown } | { readonly line: number; readonly problem: string } {
  const excess = excessOf(text);
  if (excess !== undefined) return { line: 1, problem: `more than ${excess} of YAML` };
  const lineCounter = new LineCounter();
  const customTags = (tags: Tags): Tags => [...KUBERNETES_SCALARS, ...tags];
  try {
    const options = { lineCounter, uniqueKeys: false, logLevel: "silent", merge: true, customTags } as const;
    const document = parseDocument(text, options);
    const broken = document.errors[0];
    const value = broken === undefined ? plainValue(document) : undefined;
    if (broken !== undefined) {
      return { line: lineCounter.linePos(broken.pos[0]).line, problem: yamlFault(broken.code) };
    }
    return value instanceof Refused ? { line: 1, problem: value.message } : { value };
  } catch (error) {
    return { line: 1, problem: yamlRefusal(error) };
  }
}

/** The bound that `text` exceeds, as text. The parser takes time and memory for each part, and cannot be interrupted. */
function excessOf(text: string): string | undefined {
  if (text.length > YAML_CHARACTERS_MAX) return `${YAML_CHARACTERS_MAX} characters`;
  if (countUpTo(/[\n,[{]/g, text, YAML_PARTS_MAX) > YAML_PARTS_MAX) {
    return `${YAML_PARTS_MAX} lines, items and brackets`;
  }
  if (nestsTooDeep(text)) return `${YAML_DEPTH_MAX} nested lists and maps`;
  // At the beginning of a line these always begin or end a document (YAML 1.2, 9.1.2).
  const documents = countUpTo(/^(?:---|\.\.\.)(?=\s|$)/gm, text, YAML_DOCUMENTS_MAX);
  return documents > YAML_DOCUMENTS_MAX ? `${YAML_DOCUMENTS_MAX} documents` : undefined;
}

/**
 * Whether more brackets are open at a place than end before it, or more lists begin on one line, than any text of objects has.
 * The parser itself refuses 3,000, after it has taken a kilobyte for each.
 */
function nestsTooDeep(text: string): boolean {
  if (new RegExp(`^[ ]*(?:[-?:] +){${YAML_DEPTH_MAX}}`, "m").test(text)) return true;
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === "[" || bracket === "{" ? depth + 1 : Math.max(0, depth - 1);
    if (depth > YAML_DEPTH_MAX) return true;
  }
  return false;
}

/** How often `pattern` is in `text`; counting ends beyond `most`. */
function countUpTo(pattern: RegExp, text: string, most: number): number {
  let count = 0;
  while (count <= most && pattern.test(text)) count++;
  return count;
}

function readYaml(file: string, text: string, dialect: Dialect): Documents {
  const lines = new LineCounter();
  const values: unknown[] = [];
  const problems: string[] = [];
  const repeated: RepeatedKey[] = [];
  const lineOf = (position: number) => lines.linePos(position).line;
  const customTags = (tags: Tags): Tags => [...KUBERNETES_SCALARS, ...tags];
  const older = dialect === "kubernetes" ? { merge: true, customTags } : {};
  const options = { lineCounter: lines, uniqueKeys: false, logLevel: "silent", ...older } as const;
  for (const parsed of parseAllDocuments(text, options)) {
    const document: Document.Parsed = parsed;
    const broken = document.errors[0];
    const value = broken === undefined ? plainValue(document) : undefined;
    if (broken !== undefined) {
      const whole = itemsBefore(document, broken.pos[0]);
      const place = `${file}:${lineOf(broken.pos[0])}`;
      problems.push(`${place}: ${yamlFault(broken.code)}. ${keptText(whole.length)}`);
      for (const item of whole) values.push(item);
    } else if (value instanceof Refused) {
      problems.push(`${file}:${lineOf(document.range[0])}: ${value.message}. ${keptText(0)}`);
    } else {
      values.push(value);
      for (const { key, at } of keysTwice(document.contents)) {
        repeated.push({ document: value, line: lineOf(at), key });
      }
    }
  }
  const flat = flatten(file, values);
  return { ...flat, problems: [...problems, ...flat.problems], repeated };
}

/** A document whose aliases give no value, or one that is too large. */
class Refused extends Error {}

function plainValue(document: Document): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    // An alias inside its own anchor makes a value that contains itself. JSON.stringify throws then.
    if (hasAlias(document)) JSON.stringify(value);
    return value;
  } catch (error) {
    return new Refused(yamlRefusal(error));
  }
}

function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** The keys below `node` that are in their map for the second time. */
function* keysTwice(node: unknown): Generator<{ readonly key: string; readonly at: number }> {
  if (isSeq(node)) { for (const item of node.items) yield* keysTwice(item); }
  if (!isMap(node)) return;
  const seen = new Set<unknown>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? key.value : undefined;
    if (name !== undefined && seen.has(name)) {
      yield { key: String(name), at: isScalar(key) ? key.range?.[0] ?? 0 : 0 };
    }
    seen.add(name);
    yield* keysTwice(value);
  }
}

/** Writes `values` as the documents of one YAML file. */
export function writeDocuments(values: readonly unknown[]): string {
  return values.map((value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })).join(
    "---\n",
  );
}

/** The items of a broken List that end before the error at `fault`. */
function itemsBefore(document: Document, fault: number): unknown[] {
  const root: unknown = document.contents;
  const items: unknown = isMap(root) ? root.get("items", true) : undefined;
  if (!isSeq(items)) return [];
  const whole = items.items.filter(isNode).filter(({ range }) => (range?.[1] ?? Infinity) < fault);
  // The item that ends where the error begins may be cut too.
  return whole.slice(0, items.items.length - 1).map((item) => item.toJS(document));
}

/** Replaces each List by its items. */
function flatten(file: string, documents: readonly unknown[]): Omit<Documents, "repeated"> {
  const values: unknown[] = [];
  const problems: string[] = [];
  const held = documents.filter((document) => document !== null && document !== undefined);
  for (const document of held) {
    const { kind, apiVersion, items } = isJsonObject(document) ? document : {};
    if (!Array.isArray(items)) values.push(document);
    else if (typeof kind === "string" && kind.endsWith("List")) {
      for (const item of items) values.push(listItem(kind, apiVersion, item));
    } else {
      // kubectl writes `kind: List` after the items. Without it the file was cut, perhaps inside the last item.
      problems.push(`${file}: a list without kind: the file seems cut; ${keptText(items.length - 1)}`);
      for (const item of items.slice(0, -1)) values.push(item);
    }
  }
  return { values, count: held.length, problems };
}

function keptText(count: number): string {
  return count > 0
    ? `${count} whole objects before that are used, and nothing is deleted until the file is whole.`
    : "Nothing of it is used, and nothing is deleted until the file is whole.";
}
