// Which flags of a command do not go together, and which go only with another one. What a command would ignore is wrong usage, so each
// command's rules are here, and are checked before it runs. Whether a value is right is up to the command.

import { assert } from "../invariant.ts";
import { PROXY_FLAGS } from "../node/proxy_flags.ts";
import { UsageError } from "../node/usage_error.ts";
import type { Command, Option } from "./command_line.ts";

/** Flags as they are written: `--watch`, or with a value `--output json`. */
type Flags = readonly string[];

/** `flag` does not go with any of `without`, or goes only with one of `needs`. */
export interface FlagRule {
  readonly flag: string;
  readonly without?: Flags;
  readonly needs?: Flags;
  /** The reason, which goes behind the flags in the message. */
  readonly why: string;
}

const SOURCES: Flags = ["--source", "--kubeconfig", "--master"];

const FORM: FlagRule = { flag: "--json", without: ["--output wide"], why: "JSON has all columns" };
const COUNTED_NOW = "the kernel has the counts of now";
const WITHOUT_OBJECTS: FlagRule = {
  flag: "--allow-empty",
  needs: ["--source"],
  why: "that an API server has no object is no mistake",
};

/** The flags about how rules are made, of a command that reads a ledger or a source: a ledger has the configuration of its node. */
const CONFIGURING: readonly FlagRule[] = [
  ...PROXY_FLAGS.filter(({ name, help }) => help !== undefined || name === "--hostname-override")
    .map(({ name }) => name.replace(/^.*--/, "--")),
  ...["--config", "--service-proxy-name"],
].map((flag) => ({ flag, needs: SOURCES, why: "a ledger has the configuration of its node" }));

/** The rules by command. */
export const FLAG_RULES: Readonly<Record<string, readonly FlagRule[]>> = {
  archive: [{ flag: "--state", needs: ["--exec"], why: "a folder shows what was archived" }],
  audit: [{ flag: "--csv", without: ["--json"], why: "a line has one form" }],
  endpoints: [FORM, { flag: "--kernel", without: ["--at"], why: COUNTED_NOW }],
  log: [{ flag: "--follow", without: ["--until"], why: "a log that is followed has no end" }],
  manifest: [
    { flag: "--kubeconfig", needs: ["--for"], why: "without it no cluster is asked" },
    { flag: "--all-nodes", needs: ["--for"], why: "without it every node runs the proxy" },
    {
      flag: "--metrics-job",
      needs: ["--pod-monitor", "--rules", "--dashboard"],
      why: "without monitoring no object has it",
    },
  ],
  record: [WITHOUT_OBJECTS],
  report: [
    { flag: "--serve", without: ["--until"], why: "the page goes on with the ledger" },
    { flag: "--serve", without: ["--output"], why: "the page is served, or written to a file" },
  ],
  run: [
    WITHOUT_OBJECTS,
    { flag: "--head-lease", without: ["--source"], why: "a Lease needs the API server" },
    {
      flag: "--assert",
      without: ["--dry-run", "--init-only"],
      why: "assertions are about a proxy that runs",
    },
    { flag: "--init-only", without: ["--dry-run"], why: "it sets sysctls and makes no rules" },
  ],
  services: [
    FORM,
    { flag: "--watch", without: ["--at"], why: "it goes on with the ledger" },
    { flag: "--watch", without: ["--json", "--output json"], why: "it prints text" },
    { flag: "--watch", without: ["--kernel"], why: "counts change without a record in the ledger" },
    { flag: "--kernel", without: ["--at"], why: COUNTED_NOW },
  ],
  status: [
    { flag: "--watch", without: ["--at"], why: "it goes on with the ledger" },
    { flag: "--watch", without: ["--json"], why: "it prints text" },
    { flag: "--watch", without: ["--health", "--metrics"], why: "it is about the ledger alone" },
    { flag: "--at", without: ["--health", "--metrics"], why: "the running proxy answers for now" },
  ],
  test: [
    { flag: "--at", without: ["--from", "--to"], why: "one position is checked, or those of a range" },
    { flag: "--to", needs: ["--from"], why: "a range has two ends" },
    { flag: "--write", without: ["--junit", "--json"], why: "nothing is checked, so there are no results" },
  ],
  top: [{ flag: "--kernel", without: ["--until"], why: COUNTED_NOW }],
  verify: [{ flag: "--kubeconfig", needs: ["--witness lease"], why: "without it no API server is asked" }],
  why: [
    { flag: "--all", without: ["--json"], why: "JSON has all of them" },
    { flag: "--ledger", without: SOURCES, why: "the answer comes from one of them" },
    { flag: "--at", without: SOURCES, why: "a source has only its present state" },
    { flag: "--live", without: ["--at"], why: "it is about the rules that are in the kernel now" },
    { flag: "--live", without: ["--kernel"], why: "it prints the rules of one packet, and no counts" },
    { flag: "--kernel", without: ["--at"], why: COUNTED_NOW },
    {
      flag: "--kernel",
      without: SOURCES,
      why: "the kernel has counts of rules that were made from a ledger",
    },
    { flag: "--timeout", needs: ["--live"], why: "nothing else waits" },
    ...CONFIGURING,
  ],
};

/** Throws {@link UsageError} where the flags of `command`, which was parsed, break a rule. */
export function checkFlags(command: Command): void {
  for (const { flag, without = [], needs, why } of FLAG_RULES[command.name()] ?? []) {
    const given = givenText(command, flag);
    if (given === undefined) continue;
    const other = without.map((one) => givenText(command, one)).find((one) => one !== undefined);
    if (other !== undefined) throw new UsageError(`${given} and ${other}: ${why}; leave out one of them`);
    if (needs !== undefined && needs.every((one) => givenText(command, one) === undefined)) {
      throw new UsageError(
        `${given} goes with ${needs.join(" or ")}: ${why}; leave it out, or give that too`,
      );
    }
  }
}

/** A flag as it was given, with its value where that is a text; undefined where it was not given, or with another value. */
function givenText(command: Command, text: string): string | undefined {
  const [flag, wanted] = text.split(" ");
  const option = command.options.find(({ long }) => long === flag);
  assert(option !== undefined, () => `${command.name()} has no flag ${flag}`);
  const value = givenValue(command, option);
  if (value === undefined || wanted !== undefined && value !== wanted) return undefined;
  return ["string", "number"].includes(typeof value) ? `${flag} ${value}` : flag;
}

function givenValue(command: Command, option: Option): unknown {
  const name = option.attributeName();
  return command.getOptionValueSource(name) === "default" ? undefined : command.getOptionValue(name);
}
