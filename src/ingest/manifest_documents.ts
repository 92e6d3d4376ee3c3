// Reads API objects from the text of YAML or JSON files. A file may have several documents and Lists, and may be cut in the middle.
// Whole objects are returned; a problem names the line of each object that cannot be read.

import { countText } from "../count_text.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { partsExcess } from "../json_parts.ts";
import { listItem } from "./manifest_list.ts";
import { type BrokenDocument, type Dialect, yamlDocuments, yamlExcess } from "./yaml_documents.ts";
import { yamlRefusal } from "./yaml_faults.ts";
import { yamlListParts } from "./yaml_list.ts";

/** The content of one file, and what is kept of each of its objects. */
export interface Documents<Kept = unknown> {
  readonly values: readonly Kept[];
  /** How many documents have content. A list without items is one of them. */
  readonly count: number;
  /** `file:line: problem`, and what this program does about it. They contain nothing of the file. */
  readonly problems: readonly string[];
  /** Keys that are twice in one map. The last one counts, as in Kubernetes' decoder. */
  readonly repeated: readonly RepeatedKey[];
}

/** A key that is twice in one map. */
export interface RepeatedKey {
  /** The kind of the document with the map. */
  readonly kind: unknown;
  /** Line of the second key, counted from 1. */
  readonly line: number;
  readonly key: string;
}

/** What was found in `file` so far, and what is kept of each object. */
interface Found<Kept> {
  readonly file: string;
  readonly keep: (object: unknown) => Kept;
  readonly values: Kept[];
  readonly problems: string[];
  readonly repeated: RepeatedKey[];
  count: number;
}

/** Reads the API objects in `text`, the content of `file`. Never throws for bad input. */
export function readDocuments(file: string, text: string, dialect: Dialect = "1.2"): Documents {
  return readObjects(file, text, dialect, (object) => object);
}

/**
 * As {@link readDocuments}, with what `keep` makes of each object as soon as it is read. So memory follows what is kept and the
 * largest document, and in a long list a few items.
 */
export function readObjects<Kept>(
  file: string,
  text: string,
  dialect: Dialect,
  keep: (object: unknown) => Kept,
): Documents<Kept> {
  const nothing = (): Found<Kept> => ({ file, keep, values: [], problems: [], repeated: [], count: 0 });
  const unread = (problem: string) => ({ ...nothing(), problems: [`${file}: ${problem}. ${keptText(0)}`] });
  if (/\.json$/i.test(file)) {
    const excess = partsExcess(text);
    if (excess !== undefined) return unread(`${excess}: divide it into several files`);
    const value = parsedJson(text);
    // JSON is YAML too: otherwise the parser below finds the line of the error, and the whole objects before it.
    if (value !== undefined) return addDocument(nothing(), value);
  }
  const excess = yamlExcess(text);
  if (excess !== undefined) {
    return unread(`more than ${excess} of YAML: write it as JSON, which may be longer`);
  }
  try {
    return addParts(nothing(), text, dialect) ?? addDocuments(nothing(), text, dialect);
  } catch (error) {
    return unread(yamlRefusal(error));
  }
}

/** Undefined where `text` is not JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function addDocuments<Kept>(found: Found<Kept>, text: string, dialect: Dialect): Found<Kept> {
  for (const document of yamlDocuments(text, dialect)) {
    if (document.kind === "broken") addBroken(found, document, document.line);
    else {
      addDocument(found, document.value);
      const { kind } = isJsonObject(document.value) ? document.value : {};
      for (const { key, line } of document.repeated) found.repeated.push({ kind, key, line });
    }
  }
  return found;
}

/** Adds the items of a broken list that are whole, and the problem with its `line` of the file. */
function addBroken<Kept>(
  { file, keep, values, problems }: Found<Kept>,
  { problem, items }: BrokenDocument,
  line: number,
): void {
  for (const item of items) values.push(keep(item));
  problems.push(`${file}:${line}: ${problem}. ${keptText(values.length)}`);
}

/** Adds a document; in place of a List, its items. */
function addDocument<Kept>(found: Found<Kept>, document: unknown): Found<Kept> {
  if (document === null || document === undefined) return found;
  found.count++;
  const { kind, apiVersion, items } = isJsonObject(document) ? document : {};
  if (!Array.isArray(items)) found.values.push(found.keep(document));
  else if (isListKind(kind)) {
    for (const item of items) found.values.push(found.keep(listItem(kind, apiVersion, item)));
  } else {
    for (const item of items) found.values.push(found.keep(item));
    dropCut(found, items.length);
  }
  return found;
}

/** kubectl writes `kind: List` after the items. Without it the file was cut, perhaps inside the last of the `count` items. */
function dropCut({ file, values, problems }: Found<unknown>, count: number): void {
  if (count > 0) values.pop();
  problems.push(`${file}: a list without kind: the file seems cut; ${keptText(count - 1)}`);
}

/**
 * Adds a long list of YAML piece by piece. Undefined where it is none, or where its parts depend on each other: then it has to be
 * read as a whole.
 */
function addParts<Kept>(found: Found<Kept>, text: string, dialect: Dialect): Found<Kept> | undefined {
  const parts = yamlListParts(text);
  const [frame] = parts === undefined ? [] : yamlDocuments(parts.frame, dialect);
  if (parts === undefined || frame === undefined) return undefined;
  const { kind, apiVersion, items } = frame.kind === "whole" && isJsonObject(frame.value) ? frame.value : {};
  const isList = frame.kind === "broken" || Array.isArray(items) && items.length === 0 && !frame.hasAlias &&
      frame.repeated.length === 0 && (kind === undefined || isListKind(kind));
  if (!isList) return undefined;
  found.count = 1;
  const itemOf = (item: unknown) => isListKind(kind) ? listItem(kind, apiVersion, item) : item;
  for (const { text: piece, linesBefore } of parts.pieces) {
    const [document] = yamlDocuments(piece, dialect);
    if (document === undefined || document.hasAlias) return undefined;
    if (document.kind === "broken") {
      addBroken(found, document, document.line + linesBefore);
      return found;
    }
    for (const item of itemsIn(document.value)) found.values.push(found.keep(itemOf(item)));
    for (const { key, line } of document.repeated) {
      found.repeated.push({ kind, key, line: line + linesBefore });
    }
  }
  if (frame.kind === "broken") {
    found.values.pop();
    addBroken(found, frame, parts.lineOfFrame(frame.line));
  } else if (kind === undefined) dropCut(found, found.values.length);
  return found;
}

function isListKind(kind: unknown): kind is string {
  return typeof kind === "string" && kind.endsWith("List");
}

function itemsIn(piece: unknown): readonly unknown[] {
  const { items } = isJsonObject(piece) ? piece : {};
  return Array.isArray(items) ? items : [];
}

function keptText(count: number): string {
  return count > 0
    ? `${
      countText(count, "whole object before that is", "whole objects before that are")
    } used, and nothing is deleted until the file is whole.`
    : "Nothing of it is used, and nothing is deleted until the file is whole.";
}
