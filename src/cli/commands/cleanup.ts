// `ledgerproxy cleanup`: removes our tables, and kube-proxy's with a flag, in one batch.

import type { TableName } from "../../kernel/kernel.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import type { Operation } from "../../nft/transaction.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { kubeProxyReady, kubeProxyTables, ourTables, tableNames } from "../../node/other_proxies.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";

/** Flags of `cleanup`. */
interface CleanupOptions {
  /** Remove kube-proxy's nftables tables too. */
  readonly kubeProxy?: boolean;
  /** Wait for this condition first. */
  readonly after?: string;
  /** Only print what would be removed. */
  readonly dryRun?: boolean;
}

const EXAMPLE = `
Example (going back to kube-proxy):
  ledgerproxy cleanup --after kube-proxy-ready`;

/** Adds `cleanup` to the program. */
export function addCleanup(program: Command, done: Done): void {
  program.command("cleanup")
    .description("remove our rules from this node; the ledger stays")
    .option("--kube-proxy", "remove kube-proxy's nftables rules too")
    .option(
      "--after <condition>",
      "wait first: kube-proxy-ready waits until kube-proxy's rules are in place",
    )
    .option("--dry-run", "only print what would be removed")
    .addHelpText("after", EXAMPLE)
    .action(async (options: CleanupOptions) => done(await cleanup(options)));
}

/** Removes tables; returns the exit code. */
async function cleanup(options: CleanupOptions): Promise<number> {
  if (options.after !== undefined && options.after !== "kube-proxy-ready") {
    throw new UsageError(`--after ${options.after}: it must be kube-proxy-ready`);
  }
  if (options.after !== undefined && options.kubeProxy) {
    throw new UsageError(
      "--after kube-proxy-ready and --kube-proxy: that would remove the rules that it waited for",
    );
  }
  using kernel = new NetlinkKernel();
  if (options.after !== undefined) {
    await kubeProxyReady(
      kernel,
      () => log.info("waiting for kube-proxy's tables; our rules stay in place until then"),
    );
  }
  const tables = [...ourTables(kernel), ...(options.kubeProxy ? kubeProxyTables(kernel) : [])];
  if (tables.length === 0) {
    log.info("nothing to remove: no table of ours is here");
    return EXIT.done;
  }
  if (options.dryRun) log.info(`would remove ${tableNames(tables)}`);
  else {
    kernel.commit(tables.map(deletion));
    log.info(`removed ${tableNames(tables)}; the ledger stays`);
  }
  return EXIT.done;
}

/** Deletes a table with all that is in it. */
function deletion({ family, name }: TableName): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}
