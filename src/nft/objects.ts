// Chains and sets that belong to one Service, seen as elements: a few Services need some (ClientIP affinity), and they
// come and go with them. Kept like elements, they take part in deltas, digests and history as everything else does.

import type { Family } from "./data_type.ts";
import {
  type Chain,
  type Element,
  type ElementKey,
  elementKey,
  type Elements,
  type ObjectElement,
  type Ruleset,
  type SetDefinition,
  type SetPath,
  setPath,
  type Table,
} from "./ruleset.ts";
import { containerType, ruleText } from "./text.ts";

/** What an object is. */
export type ObjectNoun = "chain" | "set";

/** The path under which chains or sets of Services are kept; no set can have such a name. */
export function objectPath(family: Family, table: string, noun: ObjectNoun): SetPath {
  return setPath(family, table, `(${noun}s)`);
}

/** What the elements under `path` stand for; undefined for a real set. */
export function objectNoun(path: SetPath): ObjectNoun | undefined {
  if (path.endsWith(" (chains)")) return "chain";
  return path.endsWith(" (sets)") ? "set" : undefined;
}

/** `chain` as an element: its name, and its rules as text. A chain without rules has the value "". */
export function chainElement(family: Family, chain: Chain): ObjectElement {
  const value = chain.rules.map((rule) => ruleText(family, rule)).join("; ");
  return { key: elementKey([chain.name]), value, definition: chain };
}

/** `set` as an element: its name, and its type. */
export function setElement(family: Family, set: SetDefinition): ObjectElement {
  return { key: elementKey([set.name]), value: containerType(family, set), definition: set };
}

/** `element` without its definition, if it has one: key, value and comment. */
export function plainElement({ key, value, comment }: Element): Element {
  return {
    key,
    ...(value === undefined ? {} : { value }),
    ...(comment === undefined ? {} : { comment }),
  };
}

/** Names of chains and sets of Services have a slash, as in kube-proxy; those of the skeleton have none. */
function isObject({ name }: { readonly name: string }): boolean {
  return name.includes("/");
}

/** A listed ruleset, whose tables hold everything, with the objects of Services among the elements. */
export function separated({ tables, elements }: Ruleset): Ruleset {
  const apart = new Map(elements);
  const rest = tables.map((table): Table => {
    const { family, name } = table;
    const sets = table.sets.filter(isObject).map((set) => setElement(family, set as SetDefinition));
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

/** The inverse of {@link separated}: tables that hold everything. */
export function assembled({ tables, elements }: Ruleset): Ruleset {
  const whole = tables.map((table): Table => ({
    ...table,
    sets: [...table.sets, ...definitions<SetDefinition>(elements, table, "set")],
    chains: [...table.chains, ...definitions<Chain>(elements, table, "chain")],
  }));
  return { tables: whole, elements: new Map([...elements].filter(([path]) => !objectNoun(path))) };
}

function definitions<T>(elements: Elements, { family, name }: Table, noun: ObjectNoun): T[] {
  const objects = [...elements.get(objectPath(family, name, noun))?.values() ?? []] as ObjectElement[];
  return objects.sort((a, b) => a.key < b.key ? -1 : 1).map(({ definition }) => definition as T);
}

function byKey(elements: readonly Element[]): Map<ElementKey, Element> {
  return new Map(elements.map((element) => [element.key, element]));
}
