// `ledgerproxy cleanup`: removes our tables, and kube-proxy's with a flag, in one batch.

import type { Kernel, TableName } from "../../kernel/kernel.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import type { Operation } from "../../nft/transaction.ts";
import { log } from "../../node/log.ts";
import { kubeProxyTables, ourTables, tableNames } from "../../node/other_proxies.ts";
import { UsageError } from "../../node/usage_error.ts";

/** Flags of `cleanup`. */
export interface CleanupOptions {
  /** Remove kube-proxy's nftables tables too. */
  readonly kubeProxy?: boolean;
  /** Wait for this condition first. */
  readonly after?: string;
  /** Only print what would be removed. */
  readonly dryRun?: boolean;
}

/** How often the kernel is asked for kube-proxy's tables. Each poll lists only tables. */
const POLL_MILLISECONDS = 20;

/** Removes tables; returns the exit code. */
export async function cleanup(options: CleanupOptions): Promise<number> {
  if (options.after !== undefined && options.after !== "kube-proxy-ready") {
    throw new UsageError(`--after ${options.after}: the one thing to wait for is kube-proxy-ready`);
  }
  if (options.after !== undefined && options.kubeProxy) {
    throw new UsageError("--after kube-proxy-ready and --kube-proxy: that would remove what was waited for");
  }
  using kernel = new NetlinkKernel();
  if (options.after !== undefined) await kubeProxyReady(kernel);
  const tables = [...ourTables(kernel), ...(options.kubeProxy ? kubeProxyTables(kernel) : [])];
  if (tables.length === 0) {
    log.info("nothing to remove: no table of ours is here");
    return 0;
  }
  if (options.dryRun) log.info(`would remove ${tableNames(tables)}`);
  else {
    kernel.commit(tables.map(deletion));
    log.info(`removed ${tableNames(tables)}; the ledger stays`);
  }
  return 0;
}

/** Waits for kube-proxy's table in each family that we serve. kube-proxy writes all rules of a family in one transaction. */
async function kubeProxyReady(kernel: Kernel): Promise<void> {
  const served = ourTables(kernel).map(({ family }) => family);
  const missing = () =>
    served.filter((family) => !kubeProxyTables(kernel).some((table) => table.family === family));
  if (missing().length > 0) log.info("waiting for kube-proxy's tables; our rules serve until then");
  while (missing().length > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
}

/** Deletes a table with all that is in it. */
function deletion({ family, name }: TableName): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}
