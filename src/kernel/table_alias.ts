// Our table may have another name in the kernel than in rules and ledger: that of a proxy with a name of its own. The kernel's side
// translates, so that nothing else depends on the name, and so that the tables of another instance are not mistaken for ours.

import { renamedTables, type Ruleset } from "../nft/ruleset.ts";
import type { TableName } from "./kernel.ts";

/** Both names of our table. Other programs' tables have the names that they have. */
export interface TableAlias {
  /** In rules and ledger. */
  readonly model: string;
  readonly kernel: string;
}

/** No other name. */
export const SAME_NAME: TableAlias = { model: "", kernel: "" };

/** The name in the kernel of the table that is called `name` here. */
export function kernelName({ model, kernel }: TableAlias, name: string): string {
  return name === model ? kernel : name;
}

/** `table` of the kernel with its name here; undefined for the table of another instance, which has our name there. */
export function modelTable<T extends TableName>({ model, kernel }: TableAlias, table: T): T | undefined {
  if (table.name === kernel) return { ...table, name: model };
  return table.name === model ? undefined : table;
}

/** What was listed, with our table's name here. */
export function modelRuleset({ model, kernel }: TableAlias, listed: Ruleset): Ruleset {
  return renamedTables(listed, kernel, model);
}
