// One table of the fake kernel. It counts references to chains and sets, because the kernel refuses to delete an object
// that something refers to.

import type { Family } from "../nft/data_type.ts";
import type { Chain, Container, Element, ElementKey, Table } from "../nft/ruleset.ts";
import type { TableFlag } from "../nft/transaction.ts";
import { parseVerdict, type Rule, type Statement, type Verdict } from "../nft/statement.ts";

/** A set or map with its elements. */
export interface FakeSet {
  readonly container: Container;
  readonly elements: Map<ElementKey, Element>;
}

/** A chain to whose rules more can be added. */
export type FakeChain = Omit<Chain, "rules"> & { readonly rules: Rule[] };

/** A table in memory; lives as long as the fake kernel holds it. */
export class FakeTable {
  readonly sets = new Map<string, FakeSet>();
  readonly chains = new Map<string, FakeChain>();
  readonly #chainUse = new Map<string, number>();
  readonly #setUse = new Map<string, number>();

  constructor(
    readonly family: Family,
    readonly name: string,
    readonly comment: string | undefined,
    readonly flags: readonly TableFlag[] = [],
  ) {}

  /** How many rules and elements lead to chain `name`. */
  chainUse(name: string): number {
    return this.#chainUse.get(name) ?? 0;
  }

  /** How many rules use set `name`. */
  setUse(name: string): number {
    return this.#setUse.get(name) ?? 0;
  }

  /** Counts what `rule` refers to: `step` is 1 when the rule is added, -1 when it is deleted. */
  useRule(rule: Rule, step: 1 | -1): void {
    for (const statement of rule.statements) {
      const set = statementSet(statement);
      if (set !== undefined) add(this.#setUse, set, step);
      if (statement.kind === "verdict") this.#useVerdict(statement.verdict, step);
    }
  }

  /** Counts the chain that an element of a verdict map leads to, as {@link useRule}. */
  useElement(container: Container, element: Element, step: 1 | -1): void {
    if (container.kind === "map" && container.value === "verdict") {
      this.#useVerdict(parseVerdict(element.value!), step);
    }
  }

  /** Puts back all chains, in their order. */
  restoreChains(chains: Iterable<readonly [string, FakeChain]>): void {
    this.chains.clear();
    for (const [name, chain] of chains) this.chains.set(name, chain);
  }

  /** Puts back all sets, in their order. */
  restoreSets(sets: Iterable<readonly [string, FakeSet]>): void {
    this.sets.clear();
    for (const [name, set] of sets) this.sets.set(name, set);
  }

  /** The static part, as the kernel lists it. */
  definition(): Table {
    return {
      family: this.family,
      name: this.name,
      ...(this.comment === undefined ? {} : { comment: this.comment }),
      sets: [...this.sets.values()].map(({ container }) => container),
      chains: [...this.chains.values()].map((chain) => ({ ...chain, rules: [...chain.rules] })),
    };
  }

  /** Whether a chain that packets can reach leads back to itself, through rules or verdict maps. */
  hasLoop(): boolean {
    const done = new Set<string>();
    const open = new Set<string>();
    // Depth-first search: a chain that is reached while it is open is on a loop.
    const visit = (name: string): boolean => {
      if (open.has(name)) return true;
      if (done.has(name)) return false;
      open.add(name);
      const loops = [...this.#leadsTo(name)].some(visit);
      open.delete(name);
      done.add(name);
      return loops;
    };
    return [...this.chains.values()].some((chain) => chain.hook !== undefined && visit(chain.name));
  }

  /** Chains that rules of `name`, or elements of maps that they use, lead to. */
  #leadsTo(name: string): Set<string> {
    const next = new Set<string>();
    const note = (verdict: Verdict) => "chain" in verdict && next.add(verdict.chain);
    for (const { statements } of this.chains.get(name)?.rules ?? []) {
      for (const statement of statements) {
        if (statement.kind === "verdict") note(statement.verdict);
        if (statement.kind !== "vmap") continue;
        for (const { value } of this.sets.get(statement.map)?.elements.values() ?? []) {
          note(parseVerdict(value!));
        }
      }
    }
    return next;
  }

  #useVerdict(verdict: Verdict, step: 1 | -1): void {
    if (verdict.kind === "goto" || verdict.kind === "jump") add(this.#chainUse, verdict.chain, step);
  }
}

/** The set or map that a statement uses. */
function statementSet(statement: Statement): string | undefined {
  if (statement.kind === "lookup") return statement.set;
  return "map" in statement ? statement.map : undefined;
}

function add(counts: Map<string, number>, name: string, step: number): void {
  counts.set(name, (counts.get(name) ?? 0) + step);
}
