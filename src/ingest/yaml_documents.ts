// Parses YAML, one document after the other, and writes it. What would take the parser's memory or time is refused before. Messages
// contain nothing of the text: it may be a secret.

import {
  Composer,
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Parser,
  stringify,
  type Tags,
  visit,
} from "yaml";
import { YAML_CHARACTERS_MAX, YAML_DEPTH_MAX, YAML_DOCUMENTS_MAX, YAML_PARTS_MAX } from "../limits/input.ts";
import { yamlFault, yamlRefusal } from "./yaml_faults.ts";
import { KUBERNETES_SCALARS } from "./yaml_scalars.ts";

/** Most values that aliases may repeat in a document. Aliases of aliases can double the size of a document at each step. */
const ALIASES_MAX = 100;

/** The version of YAML in a file: 1.2, or 1.2 with the booleans, numbers and merge keys of 1.1, as Kubernetes reads it. */
export type Dialect = "1.2" | "kubernetes";

/** A document that can be used. Lines are counted from 1. */
interface WholeDocument {
  readonly kind: "whole";
  readonly value: unknown;
  /** Whether a part of it stands for another one. */
  readonly hasAlias: boolean;
  /** Keys that are in their map for the second time. */
  readonly repeated: readonly { readonly key: string; readonly line: number }[];
}

/** Why a document cannot be used, and of a list, the items that are whole. */
export interface BrokenDocument {
  readonly kind: "broken";
  readonly line: number;
  readonly problem: string;
  /** Whether the problem may be one of its aliases alone. */
  readonly hasAlias: boolean;
  readonly items: readonly unknown[];
}

/** The parser's options. Keys that are repeated are found by {@link keysTwice}, with their line. */
function optionsOf(dialect: Dialect) {
  const customTags = (tags: Tags): Tags => [...KUBERNETES_SCALARS, ...tags];
  const older = dialect === "kubernetes" ? { merge: true, customTags } : {};
  return { uniqueKeys: false, logLevel: "silent", ...older } as const;
}

/** The documents of `text`, each parsed when it is asked for. Throws what {@link yamlRefusal} has words for. */
export function* yamlDocuments(text: string, dialect: Dialect): Generator<WholeDocument | BrokenDocument> {
  const lines = new LineCounter();
  const lineOf = (position: number) => lines.linePos(position).line;
  const composer = new Composer(optionsOf(dialect));
  for (const document of composer.compose(new Parser(lines.addNewLine).parse(text))) {
    const broken = document.errors[0];
    const value = broken === undefined ? plainValue(document) : undefined;
    if (broken !== undefined) {
      const [line, problem] = [lineOf(broken.pos[0]), yamlFault(broken.code)];
      yield { kind: "broken", line, problem, hasAlias: false, items: itemsBefore(document, broken.pos[0]) };
    } else if (value instanceof Refused) {
      const line = lineOf(document.range[0]);
      yield { kind: "broken", line, problem: value.message, hasAlias: true, items: [] };
    } else {
      const repeated = [...keysTwice(document.contents)].map(({ key, at }) => ({ key, line: lineOf(at) }));
      yield { kind: "whole", value, hasAlias: hasAlias(document), repeated };
    }
  }
}

/** The one document of `text`, as Kubernetes reads it, or the problem and its line. It contains nothing of the file. */
export function readOneDocument(
  text: string,
): { readonly value: unknown } | { readonly line: number; readonly problem: string } {
  const excess = yamlExcess(text);
  if (excess !== undefined) return { line: 1, problem: `more than ${excess} of YAML` };
  const lineCounter = new LineCounter();
  try {
    const document = parseDocument(text, { ...optionsOf("kubernetes"), lineCounter });
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
export function yamlExcess(text: string): string | undefined {
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
