// `ledgerproxy run`: reads a cluster and keeps the kernel's rules equal to it. The program that runs is in node/run.ts.

import { CUT_SECONDS_MAX } from "../../limits/rules.ts";
import { outsideKey } from "../../node/outside_key.ts";
import { run } from "../../node/run.ts";
import type { RunOptions } from "../../node/run_options.ts";
import { type Command, type Done, positive, wholeUpTo } from "../command_line.ts";
import { withSource } from "../source_flags.ts";

const EXAMPLE = `
Example:
  kubectl get services,endpointslices,nodes -A -o yaml > cluster.yaml
  ledgerproxy run --source cluster.yaml --ledger /var/lib/ledgerproxy --once`;

/** Adds `run` to the program. */
export function addRun(program: Command, done: Done): void {
  withSource(program.command("run"))
    .description("read a cluster and keep the kernel's rules equal to it")
    .option("--once", "exit when the kernel holds the rules")
    .option("--allow-empty", "with --source: files without any object are an empty cluster, not an error")
    .option("--dry-run", "print the rules as nft text; change neither kernel nor ledger")
    .option("--retain-days <n>", "days of the past that the ledger keeps (30)", positive)
    .option("--retain-megabytes <n>", "most megabytes of the ledger on the disk (1024)", positive)
    .option(
      "--own-tables",
      "let no other program change our tables (Linux 6.9; nft before 1.1 cannot reload them)",
    )
    .option(
      "--cut-terminated <seconds>",
      "end connections to endpoints that are gone for so long (only where an annotation says so)",
      wholeUpTo(CUT_SECONDS_MAX),
    )
    .option("--assert <file>", "check these assertions all the time (as `test`): log, event, metric, status")
    .option(
      "--head-lease <namespace>",
      "publish heads of the ledger in a Lease there (manifest --head-lease)",
    )
    .option(
      "--checkpoint-key <file>",
      "sign the ledger with this Ed25519 key (PEM) in place of keys that are erased",
      outsideKey,
    )
    .option(
      "--init-only",
      "set the sysctls of connection tracking, which needs more than NET_ADMIN, and exit",
    )
    .addHelpText("after", EXAMPLE)
    .action(async (options: RunOptions & AssertOption) => done(await runCommand(options)));
}

interface AssertOption {
  /** File of assertions to check while the proxy runs. */
  readonly assert?: string;
}

async function runCommand({ assert, ...options }: RunOptions & AssertOption): Promise<number> {
  if (assert === undefined) return await run(options);
  // A start without assertions does not load what asks history.
  const { LiveAssertions } = await import("../live_assertions.ts");
  const assertions = new LiveAssertions(assert);
  try {
    return await run(options, assertions);
  } finally {
    assertions[Symbol.dispose]();
  }
}
