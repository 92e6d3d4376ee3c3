// `--own-tables`: tables that belong to this process (nf_tables flags owner and persist, Linux 6.9): nobody else can change
// them, `nft flush ruleset` passes them over, and they outlive the process. Not the default, as nft before 1.1 cannot load
// what it lists of such a table while nobody owns it.

import type { Kernel } from "../kernel/kernel.ts";
import { isPermission, KernelRejection } from "../kernel/kernel_rejection.ts";
import type { TableFlag } from "../nft/transaction.ts";
import { ourTables } from "./other_proxies.ts";
import { UsageError } from "./usage_error.ts";

/** The flags of tables that are owned. */
export const OWNED: readonly TableFlag[] = ["owner", "persist"];

/**
 * Makes our tables in `kernel`, if there are any, those of this process where that is `wanted`. False when they have to
 * be made anew for what is wanted. Throws {@link UsageError} while another process owns them.
 */
export function ownTables(kernel: Kernel, wanted: boolean): boolean {
  const tables = ourTables(kernel);
  const persistent = tables.filter(({ flags }) => flags.includes("persist"));
  if (persistent.length !== (wanted ? tables.length : 0)) return false;
  if (persistent.length === 0) return true;
  try {
    kernel.commit(
      persistent.map(({ family, name }) => ({
        verb: "add",
        noun: "table",
        family,
        table: name,
        flags: OWNED,
      })),
    );
    return true;
  } catch (error) {
    if (!(error instanceof KernelRejection && isPermission(error))) throw error;
    throw new UsageError(
      "another process owns our tables: end it first (`nft list tables` and its ledger's writer.lock name it)",
    );
  }
}
