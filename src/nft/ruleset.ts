// The nouns of nf_tables: Table, Chain, Set, Map, Element. A Ruleset is its static part (tables with their chains,
// rules and set definitions) and its elements, kept apart because only elements change while the proxy runs.

import { assert } from "../invariant.ts";
import { NAME_BYTES_MAX } from "../limits/rules.ts";
import { assertConcatenation, CONCATENATION, type DataType, type Family } from "./data_type.ts";
import { assertComment, parseVerdict, type Rule } from "./statement.ts";

/**
 * Where a base chain is attached. A priority is a number (dstnat -100, filter 0, srcnat 100), not one of nft's names.
 */
export interface Hook {
  /** The chain's type in nft: only packets that begin a connection pass a nat chain. */
  readonly type: "filter" | "nat";
  /** The point of a packet's path at which the chain runs. */
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  /** Order among chains of one hook; the lower runs first. */
  readonly priority: number;
}

/** A chain with its rules in order. A base chain has a hook and policy accept. */
export interface Chain {
  /** As nft prints it; see {@link assertName}. */
  readonly name: string;
  /** Where it is attached; undefined for a chain that only rules and verdict maps lead to. */
  readonly hook?: Hook;
  /** A note that the kernel stores and nft prints; at most 127 bytes. */
  readonly comment?: string;
  /** In the order in which they are evaluated. */
  readonly rules: readonly Rule[];
}

/** A set: keys only. */
export interface SetDefinition {
  /** Distinguishes it from a map. */
  readonly kind: "set";
  /** As nft prints it; see {@link assertName}. */
  readonly name: string;
  /** Data types of the key, in order; in a set of intervals one address, or a concatenation. */
  readonly key: readonly DataType[];
  /**
   * `interval`: parts of a key may be prefixes (`10.0.0.0/8`), which must not overlap. `dynamic`: as in a map.
   */
  readonly flag?: "interval" | "dynamic";
  /** A note that the kernel stores and nft prints; at most 127 bytes. */
  readonly comment?: string;
}

/** A map from keys to verdicts, or to data. */
export interface MapDefinition {
  /** Distinguishes it from a set. */
  readonly kind: "map";
  /** As nft prints it; see {@link assertName}. */
  readonly name: string;
  /** Data types of the key, in order. */
  readonly key: readonly DataType[];
  /** `verdict`, or the data types of the value, in order. */
  readonly value: "verdict" | readonly DataType[];
  /** `dynamic`: rules add the elements, and they time out; this program neither adds nor lists them. */
  readonly flag?: "dynamic";
  /** Most elements; only of a dynamic map, where it has to be given. */
  readonly size?: number;
  /** Each element counts the packets that find it. What it has counted is no part of the element here. */
  readonly counter?: true;
  /** A note that the kernel stores and nft prints; at most 127 bytes. */
  readonly comment?: string;
}

/** A set or a map. The kernel makes no difference: a map is a set whose elements have data. */
export type Container = SetDefinition | MapDefinition;

/** The static part of one table: everything but elements. */
export interface Table {
  /** Address family. */
  readonly family: Family;
  /** As nft prints it; see {@link assertName}. */
  readonly name: string;
  /** A note that the kernel stores and nft prints; at most 127 bytes. */
  readonly comment?: string;
  /** Sets and maps; their order carries no meaning. */
  readonly sets: readonly Container[];
  /** Chains; their order carries no meaning. */
  readonly chains: readonly Chain[];
}

/** `family table set`: names one set or map in the whole ruleset. {@link setPath} makes one. */
export type SetPath = string & { readonly __brand: "SetPath" };

/** Canonical text of a key, parts joined by ` . `. {@link elementKey} and {@link canonicalKey} make one. */
export type ElementKey = string & { readonly __brand: "ElementKey" };

/** `text` as a key, unchecked: a whole key in canonical text, from a listing, a record or a name. */
export function canonicalKey(text: string): ElementKey {
  return text as ElementKey;
}

/** The key whose parts are `parts`, each in canonical text. */
export function elementKey(parts: readonly string[]): ElementKey {
  return canonicalKey(parts.join(CONCATENATION));
}

/** An element of a set (no value) or a map (verdict text, or canonical data parts joined by ` . `). */
export interface Element {
  /** Unique in its set. */
  readonly key: ElementKey;
  /** Undefined in a set. */
  readonly value?: string;
  /** At most 127 bytes; the name of the ServicePort that the element belongs to. */
  readonly comment?: string;
}

/** An element of a map with counters, and how many packets have found it. */
export interface ElementCount {
  readonly set: SetPath;
  readonly element: Element;
  readonly packets: number;
}

/** An element that represents an object: a chain or a set of one Service; see objects.ts. */
export interface ObjectElement extends Element {
  /** The object itself; `value` is its text. */
  readonly definition: Chain | Container;
}

/** All elements: set path, then key. Iteration order carries no meaning. */
export type Elements = ReadonlyMap<SetPath, ReadonlyMap<ElementKey, Element>>;

/** Tables and their elements: what the kernel holds, or should hold. */
export interface Ruleset {
  /** The static part. */
  readonly tables: readonly Table[];
  /** Those of all sets of the tables. */
  readonly elements: Elements;
}

/** Names the set `name` of table `table` in `family`. */
export function setPath(family: Family, table: string, name: string): SetPath {
  return `${family} ${table} ${name}` as SetPath;
}

/** The parts of a set path, also of one in a record, which is plain text. The inverse of {@link setPath}. */
export function splitSetPath(path: string): { family: Family; table: string; name: string } {
  const table = path.indexOf(" ") + 1;
  const name = path.indexOf(" ", table) + 1;
  return {
    family: path.startsWith("ip6 ") ? "ip6" : "ip",
    table: path.slice(table, name - 1),
    name: path.slice(name),
  };
}

/** `ruleset` with the tables called `from` under the name `to`. */
export function renamedTables({ tables, elements }: Ruleset, from: string, to: string): Ruleset {
  if (from === to) return { tables, elements };
  const moved = (path: SetPath): SetPath => {
    const { family, table, name } = splitSetPath(path);
    return table === from ? setPath(family, to, name) : path;
  };
  return {
    tables: tables.map((table) => table.name === from ? { ...table, name: to } : table),
    elements: new Map([...elements].map(([path, set]) => [moved(path), set])),
  };
}

/** Keywords of nft's grammar that look like names: nft 1.0.6 cannot parse a set that is called `position`. */
const KEYWORDS: ReadonlySet<string> = new Set(
  "add chain comment counter delete drop accept element flags flush goto handle hook index insert jump last limit list map mark meta policy position priority queue quota reject reset return rule set size table timeout type update"
    .split(" "),
);

/** Throws unless `name` can name a table, chain or set in nft's language. */
export function assertName(name: string): void {
  const fits = /^[A-Za-z][\w./-]*$/.test(name) && name.length <= NAME_BYTES_MAX && !KEYWORDS.has(name);
  assert(fits, `"${name}" is not a name in nft's language`);
}

/**
 * Throws unless key, value and comment of `element` are what `container` requires. The fake kernel checks every
 * element.
 */
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
