// The nouns of nf_tables: Table, Chain, Set, Map, Element. A Ruleset is its static part (tables with their chains,
// rules and set definitions) and its elements, kept apart because only elements change while the proxy runs.

import { assert } from "../invariant.ts";
import { NAME_BYTES_MAX } from "../limits.ts";
import { assertConcatenation, CONCATENATION, type DataType, type Family } from "./data_type.ts";
import { assertComment, parseVerdict, type Rule } from "./statement.ts";

/** Where a base chain is attached. Priorities as numbers (dstnat -100, filter 0, srcnat 100). */
export interface Hook {
  /** Which kind of chain. */
  readonly type: "filter" | "nat";
  /** Where packets meet the chain. */
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  /** Order among chains of one hook; lower first. */
  readonly priority: number;
}

/** A chain with its rules in order. A base chain has a hook and policy accept. */
export interface Chain {
  /** Its name. */
  readonly name: string;
  /** Where packets meet the chain. */
  readonly hook?: Hook;
  /** For people, at most 127 bytes. */
  readonly comment?: string;
  /** In the order in which packets meet them. */
  readonly rules: readonly Rule[];
}

/** A set: keys only. */
export interface SetDefinition {
  /** Set or map. */
  readonly kind: "set";
  /** Its name. */
  readonly name: string;
  /** Data types of the key, in order; in a set of intervals one address, or a concatenation. */
  readonly key: readonly DataType[];
  /**
   * `interval`: parts of a key may be prefixes (`10.0.0.0/8`), which must not overlap. `dynamic`: rules put elements in,
   * which time out; they are none of our business and not listed.
   */
  readonly flag?: "interval" | "dynamic";
  /** For people, at most 127 bytes. */
  readonly comment?: string;
}

/** A map from keys to verdicts, or to data. */
export interface MapDefinition {
  /** Set or map. */
  readonly kind: "map";
  /** Its name. */
  readonly name: string;
  /** Data types of the key, in order. */
  readonly key: readonly DataType[];
  /** What an element leads to. */
  readonly value: "verdict" | readonly DataType[];
  /** For people, at most 127 bytes. */
  readonly comment?: string;
}

/** A set or a map: the kernel and this code treat both as containers of elements. */
export type Container = SetDefinition | MapDefinition;

/** The static part of one table: everything but elements. */
export interface Table {
  /** Address family. */
  readonly family: Family;
  /** Its name. */
  readonly name: string;
  /** For people, at most 127 bytes. */
  readonly comment?: string;
  /** Sets and maps; their order carries no meaning. */
  readonly sets: readonly Container[];
  /** Chains; their order carries no meaning. */
  readonly chains: readonly Chain[];
}

/** `family table set`: names one set or map in the whole ruleset. */
export type SetPath = string & { readonly __brand: "SetPath" };

/** Canonical text of a key, parts joined by ` . `. */
export type ElementKey = string & { readonly __brand: "ElementKey" };

/** The key whose parts are `parts`, each in canonical text. */
export function elementKey(parts: readonly string[]): ElementKey {
  return parts.join(CONCATENATION) as ElementKey;
}

/** An element of a set (no value) or a map (verdict text, or canonical data parts joined by ` . `). */
export interface Element {
  /** Data types of the key, in order. */
  readonly key: ElementKey;
  /** What an element leads to. */
  readonly value?: string;
  /** At most 127 bytes; names the Service port it serves. */
  readonly comment?: string;
}

/** Elements that stand for a chain or a set of one Service; see objects.ts. */
export interface ObjectElement extends Element {
  /** The object itself; `value` is its text. */
  readonly definition: Chain | SetDefinition;
}

/** All elements: set path, then key. Iteration order carries no meaning. */
export type Elements = ReadonlyMap<SetPath, ReadonlyMap<ElementKey, Element>>;

/** Tables and their elements: what one moment of the kernel holds, or should hold. */
export interface Ruleset {
  /** The static part. */
  readonly tables: readonly Table[];
  /** What the sets hold. */
  readonly elements: Elements;
}

/** Names the set `name` of table `table` in `family`. */
export function setPath(family: Family, table: string, name: string): SetPath {
  return `${family} ${table} ${name}` as SetPath;
}

/** The three words of a set path. */
export function splitSetPath(path: SetPath): { family: Family; table: string; name: string } {
  const [family, table, name] = path.split(" ") as [Family, string, string];
  return { family, table, name };
}

/** Words of nft's grammar that look like names; a set called `position` cannot be written (nft 1.0.6). */
const KEYWORDS: ReadonlySet<string> = new Set(
  "add chain comment counter delete drop accept element flags flush goto handle hook index insert jump last limit list map mark meta policy position priority queue quota reject reset return rule set size table timeout type update"
    .split(" "),
);

/** Throws unless `name` can name a table, chain or set in nft's language. */
export function assertName(name: string): void {
  const fits = /^[A-Za-z][\w./-]*$/.test(name) && name.length <= NAME_BYTES_MAX && !KEYWORDS.has(name);
  assert(fits, `"${name}" is not a name in nft's language`);
}

/** Throws unless `element` fits `container`; the fake kernel and both renderers rely on it. */
export function assertElement(container: Container, element: Element): void {
  const interval = container.kind === "set" && container.flag === "interval";
  assertConcatenation(container.key, element.key, `key of ${container.name}`, interval);
  if (element.comment !== undefined) assertComment(element.comment);
  if (container.kind === "set") {
    assert(element.value === undefined, `set ${container.name} has no values`);
    return;
  }
  assert(
    element.value !== undefined,
    () => `element "${element.key}" of map ${container.name} needs a value`,
  );
  if (container.value === "verdict") parseVerdict(element.value);
  else assertConcatenation(container.value, element.value, `value of ${container.name}`);
}

/** Whether two elements of one set are the same in every respect. */
export function sameElement(a: Element | undefined, b: Element | undefined): boolean {
  return a === b || (a?.key === b?.key && a?.value === b?.value && a?.comment === b?.comment);
}
