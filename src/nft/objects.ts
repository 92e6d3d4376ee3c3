// Objects: chains that come and go with Services, one for each timeout of ClientIP affinity; in ledgers of earlier versions also
// chains and sets for each endpoint. They are kept as elements under two paths of their own, so that deltas, digests and
// history need no second kind of change.

import type { Family } from "./data_type.ts";
import {
  canonicalKey,
  type Chain,
  type Container,
  type Element,
  type ElementKey,
  type Elements,
  type ObjectElement,
  type Ruleset,
  type SetPath,
  setPath,
  type Table,
} from "./ruleset.ts";
import { containerType, ruleText } from "./text.ts";

/** Which kind of object. */
export type ObjectNoun = "chain" | "set";

const BETWEEN_RULES = "; ";

/** The path under which objects of one kind are kept. No set has such a name: nft allows no parentheses in names. */
export function objectPath(family: Family, table: string, noun: ObjectNoun): SetPath {
  return setPath(family, table, `(${noun}s)`);
}

/** The kind of object that the elements under `path` represent; undefined where they are elements of a set. */
export function objectNoun(path: SetPath): ObjectNoun | undefined {
  if (path.endsWith(" (chains)")) return "chain";
  return path.endsWith(" (sets)") ? "set" : undefined;
}

/** `chain` as an element: its name, and its rules as text. A chain without rules has the value "". */
export function chainElement(family: Family, chain: Chain): ObjectElement {
  const value = chain.rules.map((rule) => ruleText(family, rule)).join(BETWEEN_RULES);
  return { key: canonicalKey(chain.name), value, definition: chain };
}

/** How many operations make the object with this value at most: one for it, and one for each rule of a chain. */
export function operationsOfObject(value: string): number {
  return 1 + value.split(BETWEEN_RULES).length;
}

/** `set` as an element: its name, and its type as text. Ours are sets; a map is one that another program made. */
function setElement(family: Family, set: Container): ObjectElement {
  return { key: canonicalKey(set.name), value: containerType(family, set), definition: set };
}

/** The chain that `element` represents; undefined for any other element. */
export function chainOf(element: Element | undefined): Chain | undefined {
  return isObjectElement(element) && "rules" in element.definition ? element.definition : undefined;
}

/** The set that `element` represents; undefined for any other element. */
export function setOf(element: Element | undefined): Container | undefined {
  return isObjectElement(element) && "kind" in element.definition ? element.definition : undefined;
}

function isObjectElement(element: Element | undefined): element is ObjectElement {
  return element !== undefined && "definition" in element;
}

/** `element` without its definition, if it has one: key, value and comment. */
export function plainElement({ key, value, comment }: Element): Element {
  return {
    key,
    ...(value === undefined ? {} : { value }),
    ...(comment === undefined ? {} : { comment }),
  };
}

/** Names of objects have a slash, as in kube-proxy; names of the skeleton have none. */
function isObject({ name }: { readonly name: string }): boolean {
  return name.includes("/");
}

/** `ruleset` with its objects moved from the tables to the elements. A listing has them in the tables. */
export function separated({ tables, elements }: Ruleset): Ruleset {
  const apart = new Map(elements);
  const rest = tables.map((table): Table => {
    const { family, name } = table;
    const sets = table.sets.filter(isObject).map((set) => setElement(family, set));
    const chains = table.chains.filter(isObject).map((chain) => chainElement(family, chain));
    for (const { key } of sets) apart.delete(setPath(family, name, key));
    apart.set(objectPath(family, name, "set"), byKey(sets));
    apart.set(objectPath(family, name, "chain"), byKey(chains));
    const kept = <T extends { readonly name: string }>(list: readonly T[]) =>
      list.filter((one) => !isObject(one));
    return { ...table, sets: kept(table.sets), chains: kept(table.chains) };
  });
  return { tables: rest, elements: apart };
}

/** The inverse of {@link separated}: every chain and set is in its table. */
export function assembled({ tables, elements }: Ruleset): Ruleset {
  const whole = tables.map((table): Table => ({
    ...table,
    sets: [...table.sets, ...objectsOf(elements, table, "set").flatMap((one) => setOf(one) ?? [])],
    chains: [...table.chains, ...objectsOf(elements, table, "chain").flatMap((one) => chainOf(one) ?? [])],
  }));
  return { tables: whole, elements: new Map([...elements].filter(([path]) => !objectNoun(path))) };
}

/** The objects of a table, in the order of their names. */
function objectsOf(elements: Elements, { family, name }: Table, noun: ObjectNoun): Element[] {
  const objects = [...elements.get(objectPath(family, name, noun))?.values() ?? []];
  return objects.sort((a, b) => a.key < b.key ? -1 : 1);
}

function byKey(elements: readonly Element[]): Map<ElementKey, Element> {
  return new Map(elements.map((element) => [element.key, element]));
}
