// Files of YAML or JSON -> API objects, and back: several documents, kinds ending in List, files cut in the middle. What can be
// read whole is returned, what cannot is named with its line.

import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  stringify,
  type Tags,
  visit,
} from "yaml";
import { YAML_CHARACTERS_MAX } from "../limits.ts";
import { yamlFault, yamlRefusal } from "./yaml_faults.ts";
import { KUBERNETES_SCALARS } from "./yaml_scalars.ts";

/** Aliases times what they stand for, beyond which a document is refused: anchors of anchors double at every step. */
const ALIASES_MAX = 100;

/** What one file holds. */
export interface Documents {
  readonly values: readonly unknown[];
  /** Documents that hold something, a list without items among them. */
  readonly count: number;
  /** `file:line: what`, and what was done about it; without content of the file. */
  readonly problems: readonly string[];
  /** Keys that stand twice in one map: the last counts, as in Kubernetes' own decoder. */
  readonly repeated: readonly RepeatedKey[];
}

/** A key that stands twice. */
export interface RepeatedKey {
  /** The document it is in. */
  readonly document: unknown;
  /** From 1. */
  readonly line: number;
  readonly key: string;
}

/** Which YAML a file is: ours is 1.2; `kubernetes`: with the words, numbers and merge keys of 1.1 that Kubernetes reads. */
export type Dialect = "1.2" | "kubernetes";

/** Reads the API objects in `text`, the content of `file`. Never throws for bad input. */
export function readDocuments(file: string, text: string, dialect: Dialect = "1.2"): Documents {
  if (/\.json$/i.test(file)) {
    try {
      return { ...flatten(file, [JSON.parse(text)]), repeated: [] };
    } catch {
      // JSON is YAML: the parser below says where it breaks and keeps what is whole before that.
    }
  }
  if (text.length > YAML_CHARACTERS_MAX) {
    const problem =
      `more than ${YAML_CHARACTERS_MAX} characters of YAML: write it as JSON, which may be longer`;
    return { values: [], count: 0, problems: [`${file}: ${problem}. ${keptText(0)}`], repeated: [] };
  }
  try {
    return readYaml(file, text, dialect);
  } catch (error) {
    return {
      values: [],
      count: 0,
      problems: [`${file}: ${yamlRefusal(error)}. ${keptText(0)}`],
      repeated: [],
    };
  }
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
    const document = parsed as Document.Parsed;
    const broken = document.errors[0];
    const value = broken === undefined ? plainValue(document) : undefined;
    if (broken !== undefined) {
      const whole = itemsBefore(document, broken.pos[0]);
      const place = `${file}:${lineOf(broken.pos[0])}`;
      problems.push(`${place}: ${yamlFault(broken.code)}. ${keptText(whole.length)}`);
      values.push(...whole);
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

/** A document that has no value of finite size. */
class Refused extends Error {}

function plainValue(document: Document): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    // An alias within its own anchor makes a value that holds itself, which nothing behind us expects.
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

/** Keys that stand again in the same map, anywhere in `node`. */
function* keysTwice(node: unknown): Generator<{ readonly key: string; readonly at: number }> {
  if (isSeq(node)) { for (const item of node.items) yield* keysTwice(item); }
  if (!isMap(node)) return;
  const seen = new Set<unknown>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? key.value : undefined;
    if (name !== undefined && seen.has(name)) {
      yield { key: String(name), at: (key as Ranged).range?.[0] ?? 0 };
    }
    seen.add(name);
    yield* keysTwice(value);
  }
}

interface Ranged {
  readonly range?: readonly number[] | null;
}

/** `values` as documents of one YAML file. */
export function writeDocuments(values: readonly unknown[]): string {
  return values.map((value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })).join(
    "---\n",
  );
}

/** Items of a broken List that end before the fault. */
function itemsBefore(document: Document, fault: number): unknown[] {
  const root: unknown = document.contents;
  const items: unknown = isMap(root) ? root.get("items", true) : undefined;
  if (!isSeq(items)) return [];
  const whole = items.items.filter((item) =>
    ((item as { range?: readonly number[] }).range?.[1] ?? Infinity) < fault
  );
  // The item that ends where the fault begins may be cut too.
  return whole.slice(0, items.items.length - 1).map((item) =>
    (item as { toJS(document: Document): unknown }).toJS(document)
  );
}

/** Objects themselves in place of the Lists that hold them. */
function flatten(file: string, documents: readonly unknown[]): Omit<Documents, "repeated"> {
  const values: unknown[] = [];
  const problems: string[] = [];
  const held = documents.filter((document) => document !== null && document !== undefined);
  for (const document of held) {
    const { kind, items } = document as { kind?: unknown; items?: unknown };
    if (!Array.isArray(items)) values.push(document);
    else if (typeof kind === "string" && kind.endsWith("List")) {
      values.push(...items.map((item) => inList(document as List, item)));
    } else {
      // kubectl writes `kind: List` behind the items: without it the file was cut, perhaps within the last item.
      problems.push(`${file}: a list without kind: the file seems cut; ${keptText(items.length - 1)}`);
      values.push(...items.slice(0, -1));
    }
  }
  return { values, count: held.length, problems };
}

type List = { kind: string; apiVersion?: string };

/** A typed list (ServiceList) leaves kind and apiVersion out of its items. */
function inList(list: List, item: unknown): unknown {
  if (list.kind === "List" || typeof item !== "object" || item === null || "kind" in item) return item;
  return { kind: list.kind.slice(0, -"List".length), apiVersion: list.apiVersion, ...item };
}

function keptText(count: number): string {
  return count > 0
    ? `${count} whole objects before that are used, and nothing is deleted until the file is whole.`
    : "Nothing of it is used, and nothing is deleted until the file is whole.";
}
