// A kernel in memory, with the interface and the answers of the real one. It checks what nf_tables checks (Linux 6.18):
// every object that an operation names exists (ENOENT), no different object of that name exists (EEXIST), nothing
// refers to a deleted object (EBUSY), and no chain that packets can reach leads back to itself (EMLINK).
// tests/kernel/parity_test.ts commits the same transactions to both and compares the answers.

import { assert, unreachable } from "../invariant.ts";
import {
  assertElement,
  type Container,
  type Element,
  type ElementKey,
  type Ruleset,
  type SetPath,
  setPath,
  splitSetPath,
} from "../nft/ruleset.ts";
import { parseVerdict, type Rule, type Statement, type Verdict } from "../nft/statement.ts";
import { rulesetText } from "../nft/text.ts";
import type { Operation, Transaction } from "../nft/transaction.ts";
import { FakeTable } from "./fake_table.ts";
import {
  type CommitReceipt,
  type FoundTable,
  type Kernel,
  type ListedPiece,
  listedPieces,
  type TableName,
} from "./kernel.ts";
import { KernelRejection } from "./kernel_rejection.ts";
import { ERRNO } from "./system_error.ts";

/** How many elements a piece of a listing has. */
const PIECE = 100;

/** Undoes one step of a transaction. */
type Undo = () => void;

/**
 * nf_tables in memory. A rejected transaction is undone step by step; why not by a copy made before it: a copy would
 * cost the size of the ruleset for every commit.
 */
export class FakeKernel implements Kernel {
  readonly #tables = new Map<string, FakeTable>();
  #generation = 1;

  commit(transaction: Transaction): CommitReceipt {
    const undo: Undo[] = [];
    this.#applyAll(transaction, undo, false);
    if (transaction.some(validates) && this.#hasLoop()) {
      // The batch leaves a loop. It is applied again with a check after every operation, to find the one to blame.
      rollBack(undo);
      this.#applyAll(transaction, undo, true);
    }
    if (transaction.length > 0) this.#generation++;
    return {
      generation: this.#generation,
      operations: transaction.length,
      bytes: 0,
      renderMicroseconds: 0,
      microseconds: 0,
    };
  }

  list(tables: readonly TableName[]): Ruleset {
    const found = tables.flatMap(({ family, name }) => this.#tables.get(`${family} ${name}`) ?? []);
    const elements = new Map<SetPath, Map<ElementKey, Element>>();
    for (const table of found) {
      for (const [name, set] of table.sets) {
        elements.set(setPath(table.family, table.name, name), new Map(set.elements));
      }
    }
    return { tables: found.map((table) => table.definition()), elements };
  }

  *listInPieces(tables: readonly TableName[]): Generator<ListedPiece, void, void> {
    for (const { family, name } of tables) {
      yield { kind: "table", family, table: this.#tables.get(`${family} ${name}`)?.definition() };
    }
    for (const { family, name } of tables) {
      const sets = this.#tables.get(`${family} ${name}`)?.sets ?? [];
      for (const [set, { container, elements }] of [...sets]) {
        yield* listedPieces(setPath(family, name, set), container, this.#inPieces(elements));
      }
    }
  }

  element(set: SetPath, _container: Container, { key }: Element): Element | undefined {
    const { family, table, name } = splitSetPath(set);
    return this.#tables.get(`${family} ${table}`)?.sets.get(name)?.elements.get(key);
  }

  *#inPieces(set: ReadonlyMap<ElementKey, Element>): Generator<readonly Element[], void, void> {
    const elements = [...set.values()];
    for (let at = 0; at < elements.length; at += PIECE) yield elements.slice(at, at + PIECE);
  }

  tables(): readonly FoundTable[] {
    return [...this.#tables.values()].map(({ family, name, flags }) => ({ family, name, flags }));
  }

  chains({ family, name }: TableName): readonly string[] {
    return [...this.#tables.get(`${family} ${name}`)?.chains.keys() ?? []];
  }

  generation(): number {
    return this.#generation;
  }

  /** Everything it holds, as nft text. */
  dump(): string {
    return rulesetText(this.list([...this.#tables.values()]));
  }

  /** Holds no resource. */
  [Symbol.dispose](): void {}

  /** Applies every operation, or none: throws the rejection of the first that fails. */
  #applyAll(transaction: Transaction, undo: Undo[], careful: boolean): void {
    for (const operation of transaction) {
      const errno = this.#apply(operation, undo);
      if (errno === 0 && !(careful && validates(operation) && this.#hasLoop())) continue;
      rollBack(undo);
      throw new KernelRejection(operation, errno === 0 ? ERRNO.EMLINK : errno);
    }
  }

  #hasLoop(): boolean {
    return [...this.#tables.values()].some((table) => table.hasLoop());
  }

  #apply(operation: Operation, undo: Undo[]): number {
    if (operation.noun === "table") return this.#applyTable(operation, undo);
    const place = operation.noun === "element" ? splitSetPath(operation.set) : operation;
    const table = this.#tables.get(`${place.family} ${place.table}`);
    if (table === undefined) return ERRNO.ENOENT;
    switch (operation.noun) {
      case "chain":
        return applyChain(table, operation, undo);
      case "rule":
        return applyRule(table, operation.chain, operation.rule, undo);
      case "set":
        return applySet(table, operation, undo);
      case "element":
        return applyElement(table, operation, undo);
      default:
        return unreachable(operation);
    }
  }

  #applyTable(operation: Operation & { noun: "table" }, undo: Undo[]): number {
    const path = `${operation.family} ${operation.table}`;
    const before = this.#tables.get(path);
    if (operation.verb === "add") {
      if (before !== undefined) return 0;
      this.#tables.set(
        path,
        new FakeTable(operation.family, operation.table, operation.comment, operation.flags),
      );
      undo.push(() => this.#tables.delete(path));
      return 0;
    }
    if (before === undefined) return ERRNO.ENOENT;
    this.#tables.delete(path);
    undo.push(() => this.#tables.set(path, before));
    return 0;
  }
}

/** Whether the kernel looks for loops after `operation`: it adds a rule, or an element that leads to a chain. */
function validates(operation: Operation): boolean {
  if (operation.verb !== "add") return false;
  return operation.noun === "rule" ||
    (operation.noun === "element" && /^(goto|jump) /.test(operation.element.value ?? ""));
}

/** Undoes the steps, the last one first. */
function rollBack(undo: Undo[]): void {
  for (let step; (step = undo.pop()) !== undefined;) step();
}

/** Applies an operation on a chain; returns the errno, 0 where it was applied. So do the functions below. */
function applyChain(table: FakeTable, operation: Operation & { noun: "chain" }, undo: Undo[]): number {
  if (operation.verb === "add") {
    const { chain } = operation;
    const before = table.chains.get(chain.name);
    if (before !== undefined) {
      return JSON.stringify(before.hook) === JSON.stringify(chain.hook) ? 0 : ERRNO.EEXIST;
    }
    table.chains.set(chain.name, { ...chain, rules: [] });
    undo.push(() => table.chains.delete(chain.name));
    return 0;
  }
  const chain = table.chains.get(operation.name);
  if (chain === undefined) return ERRNO.ENOENT;
  if (operation.verb === "delete" && table.chainUse(operation.name) > 0) return ERRNO.EBUSY;
  const before = [...table.chains];
  chain.rules.forEach((rule) => table.useRule(rule, -1));
  if (operation.verb === "delete") table.chains.delete(operation.name);
  else table.chains.set(operation.name, { ...chain, rules: [] });
  undo.push(() => {
    table.restoreChains(before);
    chain.rules.forEach((rule) => table.useRule(rule, 1));
  });
  return 0;
}

/** Appends a rule, if everything that it names exists. */
function applyRule(table: FakeTable, name: string, rule: Rule, undo: Undo[]): number {
  const chain = table.chains.get(name);
  if (chain === undefined || !rule.statements.every((statement) => resolves(table, statement))) {
    return ERRNO.ENOENT;
  }
  chain.rules.push(rule);
  table.useRule(rule, 1);
  undo.push(() => {
    chain.rules.pop();
    table.useRule(rule, -1);
  });
  return 0;
}

/** Whether the set, map or chain that a statement names exists. */
function resolves(table: FakeTable, statement: Statement): boolean {
  if (statement.kind === "verdict") return resolvesVerdict(table, statement.verdict);
  if (statement.kind === "lookup") return table.sets.has(statement.set);
  if ("map" in statement) return table.sets.has(statement.map);
  return true;
}

/** Whether the chain of a verdict exists. */
function resolvesVerdict(table: FakeTable, verdict: Verdict): boolean {
  return verdict.kind !== "goto" && verdict.kind !== "jump" ? true : table.chains.has(verdict.chain);
}

/** Adds, flushes or deletes a set or map. */
function applySet(table: FakeTable, operation: Operation & { noun: "set" }, undo: Undo[]): number {
  if (operation.verb === "add") {
    const { set } = operation;
    const before = table.sets.get(set.name)?.container;
    if (before !== undefined) return sameType(before, set) ? 0 : ERRNO.EEXIST;
    table.sets.set(set.name, { container: set, elements: new Map() });
    undo.push(() => table.sets.delete(set.name));
    return 0;
  }
  const set = table.sets.get(operation.name);
  if (set === undefined) return ERRNO.ENOENT;
  if (operation.verb === "delete" && table.setUse(operation.name) > 0) return ERRNO.EBUSY;
  const before = [...table.sets];
  set.elements.forEach((element) => table.useElement(set.container, element, -1));
  if (operation.verb === "delete") table.sets.delete(operation.name);
  else table.sets.set(operation.name, { container: set.container, elements: new Map() });
  undo.push(() => {
    table.restoreSets(before);
    set.elements.forEach((element) => table.useElement(set.container, element, 1));
  });
  return 0;
}

/** Whether two definitions are equal to the kernel, which does not compare comments. */
function sameType(a: object, b: object): boolean {
  return typeText(a) === typeText(b);
}

/** Definitions are immutable, and compared for each element: their texts are kept. */
const typeTexts = new WeakMap<object, string>();

function typeText(object: object): string {
  let text = typeTexts.get(object);
  if (text === undefined) {
    text = JSON.stringify({ ...object, comment: undefined });
    typeTexts.set(object, text);
  }
  return text;
}

/** Adds or deletes an element. As in the kernel, an element that exists with the same value can be added again. */
function applyElement(table: FakeTable, operation: Operation & { noun: "element" }, undo: Undo[]): number {
  const set = table.sets.get(splitSetPath(operation.set).name);
  if (set === undefined) return ERRNO.ENOENT;
  const { container, elements } = set;
  const { element } = operation;
  const before = elements.get(element.key);
  if (operation.verb === "delete") {
    if (before === undefined) return ERRNO.ENOENT;
    elements.delete(element.key);
    table.useElement(container, before, -1);
    undo.push(() => {
      elements.set(element.key, before);
      table.useElement(container, before, 1);
    });
    return 0;
  }
  assert(sameType(container, operation.container), `element for another type of ${operation.set}`);
  assertElement(container, element);
  const verdict = container.kind === "map" && container.value === "verdict"
    ? parseVerdict(element.value!)
    : undefined;
  if (verdict !== undefined && !resolvesVerdict(table, verdict)) return ERRNO.ENOENT;
  if (before !== undefined) return before.value === element.value ? 0 : ERRNO.EEXIST;
  elements.set(element.key, element);
  table.useElement(container, element, 1);
  undo.push(() => {
    elements.delete(element.key);
    table.useElement(container, element, -1);
  });
  return 0;
}
