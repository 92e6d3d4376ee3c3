// Changes to a ruleset as values. A Transaction is atomic: the kernel applies all its operations, in order, or none.

import { unreachable } from "../invariant.ts";
import type { Family } from "./data_type.ts";
import { assertName, type Chain, type Container, type Element, type SetPath, type Table } from "./ruleset.ts";
import type { Rule } from "./statement.ts";

/**
 * One operation, with the semantics of nft. To add a table, chain or set that exists as described changes nothing. To
 * add an element that exists with another value is an error. To delete what does not exist is an error.
 */
export type Operation =
  | {
    readonly verb: "add";
    readonly noun: "table";
    readonly family: Family;
    readonly table: string;
    readonly comment?: string;
    /** `owner` (Linux 5.12): no other process can change the table; `persist` (6.9): it outlives its owner. */
    readonly flags?: readonly TableFlag[];
  }
  | { readonly verb: "delete"; readonly noun: "table"; readonly family: Family; readonly table: string }
  | {
    readonly verb: "add";
    readonly noun: "chain";
    readonly family: Family;
    readonly table: string;
    readonly chain: Omit<Chain, "rules">;
  }
  | {
    readonly verb: "flush" | "delete";
    readonly noun: "chain";
    readonly family: Family;
    readonly table: string;
    readonly name: string;
  }
  | {
    readonly verb: "add";
    readonly noun: "rule";
    readonly family: Family;
    readonly table: string;
    readonly chain: string;
    readonly rule: Rule;
  }
  | {
    readonly verb: "add";
    readonly noun: "set";
    readonly family: Family;
    readonly table: string;
    readonly set: Container;
  }
  | {
    readonly verb: "flush" | "delete";
    readonly noun: "set";
    readonly family: Family;
    readonly table: string;
    /** nft distinguishes sets from maps; the kernel does not. */
    readonly kind: Container["kind"];
    readonly name: string;
  }
  | {
    readonly verb: "add" | "delete";
    readonly noun: "element";
    readonly set: SetPath;
    readonly container: Container;
    readonly element: Element;
  };

/** An operation on one element. */
export type ElementOperation = Operation & { readonly noun: "element" };

/** Names of enum nft_table_flags, as nft prints them. */
export type TableFlag = "owner" | "persist";

/** Every {@link TableFlag}. */
export const TABLE_FLAGS: readonly TableFlag[] = ["owner", "persist"];

/** Operations in the order in which the kernel applies them. */
export type Transaction = readonly Operation[];

/**
 * Operations that create `table`: sets first, then all chains, then rules, so that every reference resolves. Throws for
 * a name that nft cannot parse.
 */
export function createTable(table: Table): Operation[] {
  const { family, name } = table;
  for (const named of [table, ...table.sets, ...table.chains]) assertName(named.name);
  const comment = table.comment === undefined ? {} : { comment: table.comment };
  return [
    { verb: "add", noun: "table", family, table: name, ...comment },
    ...table.sets.map((set): Operation => ({ verb: "add", noun: "set", family, table: name, set })),
    ...table.chains.map(({ rules: _, ...chain }): Operation => ({
      verb: "add",
      noun: "chain",
      family,
      table: name,
      chain,
    })),
    ...table.chains.flatMap((chain) =>
      chain.rules.map((rule): Operation => ({
        verb: "add",
        noun: "rule",
        family,
        table: name,
        chain: chain.name,
        rule,
      }))
    ),
  ];
}

/** The operation and its object for a message: `add element ip ledgerproxy cluster-ips { 10.96.0.1 }`. */
export function describeOperation(operation: Operation): string {
  const verb = `${operation.verb} ${operation.noun}`;
  switch (operation.noun) {
    case "table":
      return `${verb} ${operation.family} ${operation.table}`;
    case "chain":
      return `${verb} ${operation.family} ${operation.table} ${
        operation.verb === "add" ? operation.chain.name : operation.name
      }`;
    case "rule":
      return `${verb} ${operation.family} ${operation.table} ${operation.chain}`;
    case "set":
      return `${verb} ${operation.family} ${operation.table} ${
        operation.verb === "add" ? operation.set.name : operation.name
      }`;
    case "element":
      return `${verb} ${operation.set} { ${operation.element.key} }`;
    default:
      return unreachable(operation);
  }
}
