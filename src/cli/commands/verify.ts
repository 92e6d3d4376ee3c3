// `ledgerproxy verify LEDGER`: whether a ledger is what was written, and whether the kernel holds what it says. Nothing is
// changed but with --repair, which sets a damaged ledger aside and begins a new one with what can be used of it.

import { disagreement, disagreementText } from "../../engine/disagreement.ts";
import type { ClusterState } from "../../fold/cluster_state.ts";
import { differences, sideOfKernel, sideOfState } from "../../history/diff.ts";
import { type LedgerVerdict, verifyPast } from "../../history/verify.ts";
import { kernelProblems, verdictLines } from "../../history/verify_words.ts";
import type { LedgerDamage } from "../../ledger/damage.ts";
import { folderStorage } from "../../ledger/storage.ts";
import { LedgerWriter } from "../../ledger/writer.ts";
import { separated } from "../../nft/objects.ts";
import { log } from "../../node/log.ts";
import { setDamagedAside } from "../../node/renew_ledger.ts";
import { UsageError } from "../../node/usage_error.ts";
import { rulesetDigest } from "../../plan/digest.ts";
import type { Command, Done } from "../command_line.ts";
import { printJson } from "../json_schema.ts";
import { listedRules } from "../listed_rules.ts";
import { printLines } from "../terminal.ts";
import { pastArgument } from "../arguments.ts";

/** Flags of `verify`. */
export interface VerifyOptions {
  readonly kernel?: boolean;
  readonly repair?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  ledgerproxy verify /var/lib/ledgerproxy/ledger --kernel`;

/** Describes `command` as `verify`. */
export function addVerify(command: Command, done: Done): void {
  command
    .description("say whether a ledger is what was written: CRC, hash chain, gaps, snapshots")
    .argument("<ledger>", "folder of the ledger")
    .option("--kernel", "and whether the kernel holds what it says")
    .option("--repair", "set a damaged ledger aside, and begin a new one with what can be used of it")
    .option("--json", "one line of JSON")
    .addHelpText("after", EXAMPLE)
    .action((ledger: string, options: VerifyOptions) => done(verifyCommand(ledger, options)));
}

/** Prints what is wrong; returns 1 when something is. Throws UsageError. */
export function verifyCommand(path: string, options: VerifyOptions): number {
  const { verdict, state, damage } = verifyPast(pastArgument(path));
  const kernel = options.kernel && damage === undefined ? compareKernel(verdict, state) : [];
  const problems = [...verdict.problems, ...kernel];
  if (options.json) printJson("verify/1", { ...verdict, problems });
  else printLines(verdictLines(path, { ...verdict, problems }));
  if (damage === undefined) {
    if (options.repair) log.info("there is nothing to repair");
    return problems.length === 0 ? 0 : 1;
  }
  if (options.repair) repair(path, damage);
  else log.info("`verify --repair` sets it aside and goes on with what can be used; `run` does so by itself");
  return 1;
}

/** What the kernel holds beside `state`, the end of the ledger. */
function compareKernel({ ledger }: LedgerVerdict, state: ClusterState): string[] {
  const listed = listedRules();
  if (typeof listed === "string") return [listed];
  const { tables, elements } = separated(listed);
  const found = { tables, elements, digest: rulesetDigest(tables, elements) };
  const kind = disagreement({ ledger, end: state.folded, committed: state.committed }, found);
  return [
    ...(kind === undefined ? [] : [`kernel: ${kind}: ${disagreementText(kind)}`]),
    ...kernelProblems(differences(sideOfKernel(listed), sideOfState(state))),
  ];
}

/** Sets the damaged ledger in folder `path` aside. Throws UsageError while it is being written. */
function repair(path: string, damage: LedgerDamage): void {
  const storage = folderStorage(path, false);
  const lock = storage.lock();
  if ("heldBy" in lock) {
    throw new UsageError(`${path} is being written by ${lock.heldBy}, which repairs it by itself`);
  }
  lock[Symbol.dispose]();
  const { folder, records } = setDamagedAside(storage, damage, new Date().toISOString());
  using writer = new LedgerWriter(storage, { policy: "always" });
  writer.append(records);
  writer.sync();
  log.info(`set aside in ${path}/${folder}; a new ledger begins with ${records.length - 1} records of it`);
}
