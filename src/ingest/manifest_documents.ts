// Files of YAML or JSON -> API objects, and back: several documents, kinds ending in List, files cut in the middle. What can be
// read whole is returned, what cannot is named with its line.

import { type Document, isMap, isSeq, LineCounter, parseAllDocuments, stringify } from "yaml";

/** What one file holds. */
export interface Documents {
  readonly values: readonly unknown[];
  /** `file:line: what`, and what was done about it. */
  readonly problems: readonly string[];
}

/** Reads the API objects in `text`, the content of `file`. Never throws for bad input. */
export function readDocuments(file: string, text: string): Documents {
  if (/\.json$/i.test(file)) {
    try {
      return flatten(file, [JSON.parse(text)]);
    } catch {
      // JSON is YAML: the parser below says where it breaks and keeps what is whole before that.
    }
  }
  const lines = new LineCounter();
  const values: unknown[] = [];
  const problems: string[] = [];
  for (
    const document of parseAllDocuments(
      text,
      { lineCounter: lines, uniqueKeys: false, maxAliasCount: 100 } as never,
    )
  ) {
    const broken = (document as Document).errors[0];
    if (broken === undefined) {
      values.push((document as Document).toJS());
      continue;
    }
    const whole = itemsBefore(document as Document, broken.pos[0]);
    const at = lines.linePos(broken.pos[0]).line;
    const what = broken.message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");
    problems.push(`${file}:${at}: ${what}. ${keptText(whole.length)}`);
    values.push(...whole);
  }
  const flat = flatten(file, values);
  return { values: flat.values, problems: [...problems, ...flat.problems] };
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
function flatten(file: string, documents: readonly unknown[]): Documents {
  const values: unknown[] = [];
  const problems: string[] = [];
  for (const document of documents) {
    if (document === null || document === undefined) continue;
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
  return { values, problems };
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
