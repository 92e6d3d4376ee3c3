// `--own-tables`: makes our tables belong to this process (nf_tables flags owner and persist, Linux 6.9). Other programs cannot
// change them, `nft flush ruleset` skips them, and they stay when the process ends. It is not the default, because nft before
// 1.1 cannot load its own listing of such a table while no process owns it.

import type { Kernel } from "../kernel/kernel.ts";
import { isPermission, KernelRejection } from "../kernel/kernel_rejection.ts";
import type { TableFlag } from "../nft/transaction.ts";
import { ourTables } from "./other_proxies.ts";
import { UsageError } from "./usage_error.ts";

/** The flags of a table with an owner. */
export const OWNED: readonly TableFlag[] = ["owner", "persist"];

/**
 * Makes this process the owner of our tables in `kernel`, where that is `wanted`. False where the tables must be made anew
 * first, because the flag `persist` cannot change. Throws {@link UsageError} while another process owns them.
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
