// The program `ledgerproxy`: one verb a subcommand. Exit codes: 0 done, 1 found a failure, 2 wrong usage.

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { KubeconfigProblem } from "../ingest/api_failure.ts";
import { isLedgerDamage } from "../ledger/segment.ts";
import { LedgerLocked, LedgerOverflow, type SyncPolicy } from "../ledger/writer.ts";
import { SystemError } from "../kernel/system_error.ts";
import { bisectCommand, type BisectOptions } from "./commands/bisect.ts";
import { blame, type BlameOptions } from "./commands/blame.ts";
import { check } from "./commands/check.ts";
import { cleanup, type CleanupOptions } from "./commands/cleanup.ts";
import { completion, SHELLS } from "./completion.ts";
import { diffCommand, type DiffOptions } from "./commands/diff.ts";
import { printSchemas } from "./json_schema.ts";
import { log, startLog } from "../node/log.ts";
import { manifest, type ManifestOptions } from "./commands/manifest.ts";
import { logCommand, type LogOptions } from "./commands/log.ts";
import { parsePosition, type PositionArgument } from "./position_argument.ts";
import { PROXY_FLAGS, type Reading } from "../node/proxy_flags.ts";
import { record, type RecordOptions } from "./commands/record.ts";
import { replay, type ReplayOptions } from "./commands/replay.ts";
import { serveReplay } from "./replay_workers.ts";
import { report, type ReportOptions } from "./commands/report.ts";
import { run, type RunOptions } from "../node/run.ts";
import { show, type ShowOptions } from "./commands/show.ts";
import { UsageError } from "../node/usage_error.ts";
import { VERSION } from "../node/program_version.ts";
import { version } from "./commands/version.ts";
import { verify, type VerifyOptions } from "./commands/verify.ts";
import { why, type WhyOptions } from "./commands/why.ts";

const RUN_EXAMPLE = `
Example:
  kubectl get services,endpointslices,nodes -A -o yaml > cluster.yaml
  ledgerproxy run --source cluster.yaml --ledger /var/lib/ledgerproxy --once`;

const RECORD_EXAMPLE = `
Example:
  ledgerproxy record --kubeconfig ~/.kube/config --node worker-7 --ledger ./worker-7`;

const WHY_EXAMPLE = `
Example:
  ledgerproxy why 10.244.1.5 10.96.0.10:80/tcp --ledger /var/lib/ledgerproxy
  ledgerproxy why 203.0.113.9 192.168.10.10:30080/tcp --source cluster.yaml --node node-a`;

const CHECK_EXAMPLE = `
Example:
  ledgerproxy check`;

const MANIFEST_EXAMPLE = `
Examples:
  ledgerproxy manifest --image registry.example/ledgerproxy:0.2.0 --api-server https://10.0.0.2:6443 \\
      --cluster-cidr 10.244.0.0/16 | kubectl apply -f -
  ledgerproxy manifest --image registry.example/ledgerproxy:0.2.0 --config-map kube-proxy   # as kubeadm made it`;

const VERIFY_EXAMPLE = `
Example:
  ledgerproxy verify /var/lib/ledgerproxy/ledger --kernel`;

const CLEANUP_EXAMPLE = `
Example (going back to kube-proxy):
  ledgerproxy cleanup --after kube-proxy-ready`;

/** Told the exit code of the command that ran. */
type Done = (code: number) => void;

/** Runs the program with `args`; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  const done = (result: number) => {
    code = result;
  };
  const program = new Command("ledgerproxy")
    .description("A Kubernetes service proxy for nftables that keeps a ledger.")
    .version(VERSION)
    .exitOverride();
  addRun(program.command("run"), done);
  addRecord(program.command("record"), done);
  addWhy(program.command("why"), done);
  addCheck(program.command("check"), done);
  addCleanup(program.command("cleanup"), done);
  addHistory(program, done);
  addReport(program.command("report"), done);
  addVerify(program.command("verify"), done);
  addManifest(program.command("manifest"), done);
  program.command("version").description("versions of everything that decides behaviour")
    .addHelpText("after", "\nExample:\n  ledgerproxy version --json | jq .ledgerFormat")
    .option("--json", "one line of JSON")
    .action((options: { json?: boolean }) => done(version(options)));
  program.command("schema").description("print the JSON Schema of what --json prints, one a line")
    .argument("[command]", "of this command only")
    .addHelpText("after", "\nExample:\n  ledgerproxy schema log | jq .properties")
    .action((command: string | undefined) => done(printSchemas(command)));
  const shell = new Argument("<shell>", "the shell to complete in").choices(SHELLS);
  program.command("completion").description("print what a shell needs to complete commands and flags")
    .addArgument(shell)
    .addHelpText(
      "after",
      '\nExample:\n  eval "$(ledgerproxy completion bash)"   # in ~/.bashrc, or zsh in ~/.zshrc',
    )
    .action((name: (typeof SHELLS)[number]) => console.log(completion(program, name)));
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync([...args], { from: "user" });
  return code;
}

function addRun(command: Command, done: Done): void {
  withSource(command)
    .description("read a cluster and keep the kernel's rules equal to it")
    .option("--once", "exit when the kernel holds the state")
    .option("--allow-empty", "with --source: files without any object are an empty cluster, not an error")
    .option("--dry-run", "print the rules as nft text; touch neither kernel nor ledger")
    .option("--retain-days <n>", "how long the past is kept in the ledger (30)", positive)
    .option("--retain-megabytes <n>", "how large the ledger may be on the disk (1024)", positive)
    .option(
      "--own-tables",
      "let nobody else change our tables (Linux 6.9; nft before 1.1 cannot reload them)",
    )
    .option("--init-only", "set what needs more than NET_ADMIN (sysctls of connection tracking), and exit")
    .addHelpText("after", RUN_EXAMPLE)
    .action(async (options: RunOptions) => done(await run(options)));
}

function addRecord(command: Command, done: Done): void {
  withSource(command)
    .description("write what happens in a cluster into a ledger; touches no rules")
    .option("--once", "exit when everything there is is recorded")
    .option("--allow-empty", "with --source: files without any object are an empty cluster, not an error")
    .addHelpText("after", RECORD_EXAMPLE)
    .action(async (options: RecordOptions) => done(await record(options)));
}

function addWhy(command: Command, done: Done): void {
  withSource(command)
    .description("trace the first packet of a connection: where it goes, and what made it so")
    .argument("<source>", "address of the sender")
    .argument("<target>", "ADDRESS:PORT/PROTO, [ADDRESS]:PORT/PROTO for IPv6")
    .option("--at <position>", "with --ledger: @1234, a time, HEAD, HEAD~3 (commits back)", parsePosition)
    .option("--interface <name>", "interface by which the packet reaches the node")
    .option("--json", "one line of JSON")
    .addHelpText("after", WHY_EXAMPLE)
    .action(async (source: string, target: string, options: WhyOptions) =>
      done(await why(source, target, options))
    );
}

function addCheck(command: Command, done: Done): void {
  command
    .description("say whether the proxy can run here, and what other proxies have left; changes nothing")
    .option("--json", "one line of JSON")
    .addHelpText("after", CHECK_EXAMPLE)
    .action((options: { json?: boolean }) => done(check(options)));
}

function addCleanup(command: Command, done: Done): void {
  command
    .description("remove our rules from this node; the ledger stays")
    .option("--kube-proxy", "kube-proxy's nftables rules too")
    .option(
      "--after <condition>",
      "wait first: kube-proxy-ready waits until its rules serve, so none is missed",
    )
    .option("--dry-run", "only say what would be removed")
    .addHelpText("after", CLEANUP_EXAMPLE)
    .action(async (options: CleanupOptions) => done(await cleanup(options)));
}

/** git's verbs, for a ledger. */
function addHistory(program: Command, done: Done): void {
  const reader = (name: string, description: string, example: string) =>
    program.command(name).description(description)
      .requiredOption("--ledger <dir>", "folder of the ledger")
      .option("--json", "lines of JSON")
      .addHelpText("after", `\nExample:\n  ledgerproxy ${example}`);
  reader("log", "what happened, newest first", "log shop/web --since 2026-11-23T03:00:00Z --ledger DIR")
    .argument("[service]", "namespace/name of a Service")
    .option("--namespace <name>", "only what is about this namespace")
    .option("--address <address>", "only what names this address, of an endpoint or a Service")
    .option("--since <time>", "no earlier than this")
    .option("--until <time>", "no later than this")
    .addOption(
      new Option("--kind <kind>", "only records of this kind").choices([
        "event",
        "config",
        "commit",
        "drift",
        "gap",
      ]),
    )
    .option("--limit <n>", "how many at most (50)", positive)
    .action((service: string | undefined, options: LogOptions) => done(logCommand(service, options)));
  reader(
    "show",
    "what happened at a position, and the rules then, as nft loads them",
    "show HEAD~3 --ledger DIR",
  )
    .argument("<position>", "@1234, a time, HEAD, HEAD~3 (commits back)", parsePosition)
    .action((position: PositionArgument, options: ShowOptions) => done(show(position, options)));
  program.command("replay")
    .description("fold and plan every commit again, and compare each digest with the one that was written")
    .argument("<ledger>", "folder of the ledger")
    .option("--to <position>", "only up to there", parsePosition)
    .option("--into-kernel", "into the rules of this network namespace, in place of a kernel in memory")
    .option("--speed <n>", "n times faster than it happened, in place of as fast as it goes", positive)
    .option("--json", "one line of JSON")
    .addHelpText("after", "\nExample:\n  ledgerproxy replay /var/lib/ledgerproxy/ledger")
    .action(async (ledger: string, options: ReplayOptions) => done(await replay(ledger, options)));
  reader("diff", "elements that change between positions, or to the kernel", "diff HEAD kernel --ledger DIR")
    .argument("<a>", "@1234, a time, HEAD, HEAD~3, kernel")
    .argument("<b>", "as a")
    .option("--other <dir>", "the ledger that b is in: another node's")
    .action((a: string, b: string, options: DiffOptions) => done(diffCommand(a, b, options)));
  reader(
    "bisect",
    "with which commit, by which event, a packet stopped to go where it should",
    "bisect HEAD~40 HEAD 10.244.1.5 10.96.0.10:80/tcp --ledger DIR",
  )
    .argument("<good>", "@1234, a time, HEAD, HEAD~3: when it went where it should", parsePosition)
    .argument("<bad>", "as good: when it did not", parsePosition)
    .argument("<source>", "address of the sender")
    .argument("<target>", "ADDRESS:PORT/PROTO, [ADDRESS]:PORT/PROTO for IPv6")
    .option("--expect <what>", "endpoint, refused, dropped, or the address of an endpoint", "endpoint")
    .option("--interface <name>", "interface by which the packet reaches the node")
    .option("--all", "every commit with which it changes, there and back")
    .action((
      good: PositionArgument,
      bad: PositionArgument,
      source: string,
      target: string,
      options: BisectOptions,
    ) => done(bisectCommand(good, bad, source, target, options)));
  reader("blame", "which event put elements there, and which commit", "blame 10.244.1.7 --ledger DIR")
    .argument("<what>", "a Service, an address, or the key of an element")
    .option("--at <position>", "as they were then", parsePosition)
    .action((what: string, options: BlameOptions) => done(blame(what, options)));
}

function addVerify(command: Command, done: Done): void {
  command
    .description("say whether a ledger is what was written: CRC, hash chain, gaps, snapshots")
    .argument("<ledger>", "folder of the ledger")
    .option("--kernel", "and whether the kernel holds what it says")
    .option("--repair", "set a damaged ledger aside, and begin a new one with what can be used of it")
    .option("--json", "one line of JSON")
    .addHelpText("after", VERIFY_EXAMPLE)
    .action((ledger: string, options: VerifyOptions) => done(verify(ledger, options)));
}

function addReport(command: Command, done: Done): void {
  command
    .description("write a page for a browser: latency, churn, drift, and what was believed at any moment")
    .argument("<ledger>", "folder of the ledger")
    .requiredOption("-o, --output <file>", "the page, one file")
    .option("--since <position>", "begin with the state there: @1234, a time, HEAD~3", parsePosition)
    .option("--until <position>", "end there (HEAD)", parsePosition)
    .option("--records <n>", "the newest n records of that (20000)", positive)
    .addHelpText(
      "after",
      "\nExample:\n  ledgerproxy report /var/lib/ledgerproxy/ledger --since 2026-11-23T03:00:00Z -o night.html",
    )
    .action((ledger: string, options: ReportOptions) => done(report(ledger, options)));
}

function addManifest(command: Command, done: Done): void {
  addProxyFlags(
    command
      .description(
        "print what kubectl applies to run the proxy on every node: account, permissions, DaemonSet",
      )
      .requiredOption("--image <image>", "the image to run")
      .option("--api-server <url>", "how nodes reach the API server, without the cluster IP we are to serve")
      .option(
        "--config-map <name>",
        "instead: ConfigMap with config.conf and what it names, as kubeadm has it",
      )
      .option("--namespace <name>", "namespace of account and DaemonSet", "kube-system")
      .option("--ledger <dir>", "folder of the ledger on each node", "/var/lib/ledgerproxy")
      .option("--set-sysctls", "a privileged init container that sets the limits of connection tracking")
      .addHelpText("after", MANIFEST_EXAMPLE),
  ).action((options: ManifestOptions) => done(manifest(options)));
}

/** Where the cluster is read from, where the ledger is, and kube-proxy's flags about traffic. */
function withSource(command: Command): Command {
  command
    .option("--kubeconfig <file>", "how to reach the API server; in a pod its service account needs none")
    .option("--master <url>", "URL of the API server, in place of the kubeconfig's")
    .addOption(
      command.createOption("--fsync <when>", "when the ledger is made durable (interval: every second)")
        .choices(["always", "interval", "never"] satisfies SyncPolicy[]),
    )
    .option("--source <path>", "instead: a file or folder of YAML/JSON from kubectl, or a recorded ledger")
    .option("--ledger <dir>", "folder of the ledger")
    .option("--config <file>", "a KubeProxyConfiguration, as kube-proxy reads it; flags go before it")
    .option("--speed <n>", "play a recording n times faster than it was recorded", positive);
  return addProxyFlags(command);
}

function addProxyFlags(command: Command): Command {
  for (const { name, reading, help } of PROXY_FLAGS) {
    const option = command.createOption(`${name} ${PLACEHOLDERS[reading]}`, help ?? "");
    command.addOption(help === undefined ? option.hideHelp() : option);
  }
  return command;
}

const PLACEHOLDERS: Readonly<Record<Reading, string>> = {
  text: "<value>",
  number: "<n>",
  switch: "[true|false]",
  list: "<list>",
  gates: "<list>",
};

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number above 0, such as 10.");
  return number;
}

/** Errors of the world, whose message is all a user needs; anything else is a fault of the program. */
function isExplained(error: unknown): error is Error {
  return error instanceof LedgerLocked || error instanceof LedgerOverflow ||
    error instanceof SystemError || isLedgerDamage(error) ||
    (error instanceof Error && Object.values(Deno.errors).some((kind) => error instanceof kind));
}

if ("DedicatedWorkerGlobalScope" in globalThis) serveReplay();
else if (import.meta.main) {
  startLog();
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    if (error instanceof CommanderError) Deno.exitCode = error.exitCode === 0 ? 0 : 2;
    else if (error instanceof UsageError || error instanceof KubeconfigProblem) {
      log.error(error.message);
      Deno.exitCode = 2;
    } else if (isExplained(error)) {
      log.error(error.message);
      Deno.exitCode = 1;
    } else throw error;
  }
}
