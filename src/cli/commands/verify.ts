// `ledgerproxy verify LEDGER`: checks that a ledger is what was written, and that the kernel holds its rules. It changes nothing
// unless --repair is given, which sets a damaged ledger aside and begins a new one with the records that can be read.

import { countText } from "../../count_text.ts";
import { compareWithKernel, listedPosition } from "../../history/kernel_comparison.ts";
import { type Verification, verifyPast } from "../../history/verify.ts";
import { kernelProblems, verdictLines } from "../../history/verify_words.ts";
import type { Ruleset } from "../../nft/ruleset.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { repairLedger } from "../../node/renew_ledger.ts";
import { type Command, type Done, LEDGER_FLAG } from "../command_line.ts";
import { headsAt, keyArgument } from "../evidence.ts";
import { REPAIR } from "../explained.ts";
import { listedRules } from "../listed_rules.ts";
import { printJson, printLines } from "../terminal.ts";
import { pastArgument } from "../arguments.ts";

/** Flags of `verify`. */
export interface VerifyOptions {
  readonly ledger?: string;
  readonly kernel?: boolean;
  readonly repair?: boolean;
  /** A verifier key, or a file that has one. */
  readonly key?: string;
  /** A file or URL with heads; `lease` for those in the API server. */
  readonly witness?: string;
  /** How to reach that API server. */
  readonly kubeconfig?: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  ledgerproxy verify /var/lib/ledgerproxy/ledger --kernel`;

/** Adds `verify` to the program. */
export function addVerify(program: Command, done: Done): void {
  program.command("verify")
    .description("check that a ledger is what was written: CRC, hash chain, gaps, snapshots")
    .argument("[ledger]", "folder of the ledger")
    .option(...LEDGER_FLAG)
    .option("--kernel", "also check that the kernel holds the rules of the ledger")
    .option("--key <key>", "also check that checkpoints follow from this key, or from the key in this file")
    .option(
      "--witness <where>",
      "also check that it has the heads in this file or at this URL, or in the Leases of the API server: lease",
    )
    .option("--kubeconfig <file>", "with --witness lease (default: KUBECONFIG, or ~/.kube/config)")
    .option("--repair", "set a damaged ledger aside, and begin a new one with the records that can be read")
    .option("--json", "one line of JSON")
    .addHelpText("after", EXAMPLE)
    .action(async (ledger: string | undefined, options: VerifyOptions) =>
      done(await verifyCommand(ledger, options))
    );
}

/** Prints everything that is wrong; returns 1 when something is. Throws UsageError. */
async function verifyCommand(folder: string | undefined, options: VerifyOptions): Promise<number> {
  const heads = options.witness === undefined
    ? {}
    : { heads: await headsAt(options.witness, options.kubeconfig) };
  const key = options.key === undefined ? {} : { key: keyArgument(options.key) };
  // The kernel first: what it holds then is in the ledger when that is read.
  const listed = options.kernel ? listedRules(pastArgument(options.ledger, folder).id()) : undefined;
  const position = typeof listed === "object" ? listedPosition(listed) : undefined;
  const at = position === undefined ? {} : { at: position };
  const past = pastArgument(options.ledger, folder);
  const { path } = past;
  const verification = past.again(() => verifyPast(past, { ...at, ...key, ...heads }));
  const { verdict, damage } = verification;
  const kernel = listed === undefined || damage !== undefined
    ? []
    : compareKernel(past.id(), verification, listed);
  const problems = [...verdict.problems, ...kernel];
  if (options.json) printJson("verify/1", { ...verdict, problems });
  else printLines(verdictLines(path, { ...verdict, problems }));
  if (damage === undefined) {
    if (options.repair) log.info("there is nothing to repair");
    return problems.length === 0 ? EXIT.done : EXIT.found;
  }
  if (options.repair) {
    const { folder, records } = repairLedger(path, damage, new Date().toISOString());
    log.info(
      `set aside in ${path}/${folder}; a new ledger begins with ${
        countText(records.length - 1, "record")
      } of it`,
    );
  } else {
    log.info(REPAIR);
  }
  return EXIT.found;
}

/** How the rules that the kernel `listed` differ from those that the ledger has at their position. */
function compareKernel(ledger: string, verification: Verification, listed: Ruleset | string): string[] {
  if (typeof listed === "string") return [listed];
  const now = listedRules(ledger);
  const moved = typeof now === "string" || listedPosition(now) !== listedPosition(listed);
  return kernelProblems(compareWithKernel(verification, listed, moved));
}
