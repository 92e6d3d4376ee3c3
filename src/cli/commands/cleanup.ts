// `ledgerproxy cleanup`: removes our tables, and kube-proxy's with a flag, in one batch.

import type { TableName } from "../../kernel/kernel.ts";
import type { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import { isServiceProxyName, SERVICE_PROXY_NAME_FORM } from "../../kube/service_proxy_name.ts";
import type { Operation } from "../../nft/transaction.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import {
  kernelOf,
  kubeProxyReady,
  kubeProxyTables,
  namedTables,
  ourTables,
  tableNames,
} from "../../node/other_proxies.ts";
import { UsageError } from "../../node/usage_error.ts";
import { heldPosition } from "../../node/held_commit.ts";
import { noteCleanup } from "../../node/note_cleanup.ts";
import { type Command, type Done, LEDGER_FLAG } from "../command_line.ts";
import { chosenFolder } from "../ledger_folder.ts";

/** Flags of `cleanup`. */
interface CleanupOptions {
  /** Remove kube-proxy's nftables tables too. */
  readonly kubeProxy?: boolean;
  /** Remove the rules of the proxy of this name. */
  readonly serviceProxyName?: string;
  /** Wait for this condition first. */
  readonly after?: string;
  /** The ledger that the rules were made from. */
  readonly ledger?: string;
  /** Only print what would be removed. */
  readonly dryRun?: boolean;
}

const EXAMPLE = `
Example (going back to kube-proxy):
  ledgerproxy cleanup --after kube-proxy-ready`;

/** Adds `cleanup` to the program. */
export function addCleanup(program: Command, done: Done): void {
  program.command("cleanup")
    .description("remove our rules from this node; the ledger stays, and records that")
    .option(...LEDGER_FLAG)
    .option("--kube-proxy", "remove kube-proxy's nftables rules too")
    .option(
      "--after <condition>",
      "wait first: kube-proxy-ready waits until kube-proxy's rules are in place",
    )
    .option(
      "--service-proxy-name <name>",
      "remove the rules of the proxy of this name, in place of the one without",
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
  requireAlone(options);
  using kernel = kernelOf(options.serviceProxyName);
  if (options.after !== undefined) {
    await kubeProxyReady(
      kernel,
      () => log.info("waiting for kube-proxy's tables; our rules stay in place until then"),
    );
  }
  const tables = [...ourTables(kernel), ...(options.kubeProxy ? kubeProxyTables(kernel) : [])];
  const names = tableNames(tables, kernel);
  if (tables.length === 0) log.info("nothing to remove: no table of ours is here");
  else if (options.dryRun) log.info(`would remove ${names}`);
  else {
    const position = heldPosition(kernel);
    kernel.commit(tables.map(deletion));
    const unnoted = position && note(options.ledger, position.ledger, names);
    log.info(
      `removed ${names}; the ledger stays${
        unnoted === undefined ? "" : `, and does not know it: ${unnoted}`
      }`,
    );
  }
  sayOthers(kernel, options);
  return EXIT.done;
}

/** Notes it in the ledger with that id. Returns why that is not possible. */
function note(flag: string | undefined, ledger: string, tables: string): string | undefined {
  try {
    return noteCleanup(chosenFolder(flag, undefined).path, ledger, tables.split(", "));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

/** A proxy with a name runs beside another one, and says nothing about that. */
function requireAlone({ serviceProxyName: name, kubeProxy, after }: CleanupOptions): void {
  if (name === undefined) return;
  if (!isServiceProxyName(name)) {
    throw new UsageError(`--service-proxy-name ${name}: ${SERVICE_PROXY_NAME_FORM}`);
  }
  if (kubeProxy || after !== undefined) {
    throw new UsageError(
      `--service-proxy-name ${name}: it serves beside kube-proxy; leave out --kube-proxy and --after`,
    );
  }
}

/** Names the tables of proxies with a name, which stay. */
function sayOthers(kernel: NetlinkKernel, { serviceProxyName }: CleanupOptions): void {
  const others = namedTables(kernel);
  if (others.length === 0 || serviceProxyName !== undefined) return;
  log.info(`${tableNames(others)} stay: those of proxies with a name (--service-proxy-name)`);
}

/** Deletes a table with all that is in it. */
function deletion({ family, name }: TableName): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}
