// The program `ledgerproxy`, with one subcommand for each task. Exit codes: see node/exit_code.ts.

// First of all: in the worker that writes the ledger, no other module is evaluated.
import "../node/ledger_thread.ts";
import { isSegmentGone } from "../ledger/gone.ts";
import { isNotRecorded, isWrongPosition } from "../history/past.ts";
import { NothingFound } from "./arguments.ts";
import { EXIT } from "../node/exit_code.ts";
import { KubeconfigProblem } from "../ingest/api_failure.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { FolderNotOurs } from "../ledger/storage.ts";
import { LedgerGone, LedgerLocked, type SyncPolicy } from "../ledger/disk_writer.ts";
import { LedgerOverflow } from "../ledger/writer.ts";
import { SystemError } from "../kernel/system_error.ts";
import {
  Argument,
  Command,
  CommanderError,
  type Done,
  LEDGER_FLAG,
  positive,
  withoutSigns,
} from "./command_line.ts";
import { addBisect } from "./commands/bisect.ts";
import { addConnections } from "./commands/connections.ts";
import { addBlame } from "./commands/blame.ts";
import { check } from "./commands/check.ts";
import { cleanup, type CleanupOptions } from "./commands/cleanup.ts";
import { completion, SHELLS } from "./completion.ts";
import { addDiff } from "./commands/diff.ts";
import { printSchemas } from "./json_schema.ts";
import { flushLog, log, startLog } from "../node/log.ts";
import { manifest, type ManifestOptions } from "./commands/manifest.ts";
import { DISTRIBUTIONS } from "../install/distributions.ts";
import { addLog } from "./commands/log.ts";
import { type FlagForm, PROXY_FLAGS } from "../node/proxy_flags.ts";
import { record, type RecordOptions } from "./commands/record.ts";
import { addReplay } from "./commands/replay.ts";
import { serveReplay } from "./replay_workers.ts";
import { addReport } from "./commands/report.ts";
import { run } from "../node/run.ts";
import type { RunOptions } from "../node/run_options.ts";
import { addTest } from "./commands/test.ts";
import { addPlan } from "./commands/plan.ts";
import { addEndpoints, addServices } from "./commands/services.ts";
import { addStatus } from "./commands/status.ts";
import { addTop } from "./commands/top.ts";
import { addShow } from "./commands/show.ts";
import { UsageError } from "../node/usage_error.ts";
import { VERSION } from "../node/program_version.ts";
import { codeOf } from "../thrown.ts";
import { version } from "./commands/version.ts";
import { OutputFailure, printText } from "./terminal.ts";
import { addVerify } from "./commands/verify.ts";
import { addWhy } from "./commands/why.ts";

const RUN_EXAMPLE = `
Example:
  kubectl get services,endpointslices,nodes -A -o yaml > cluster.yaml
  ledgerproxy run --source cluster.yaml --ledger /var/lib/ledgerproxy --once`;

const RECORD_EXAMPLE = `
Example:
  ledgerproxy record --kubeconfig ~/.kube/config --node worker-7 --ledger ./worker-7`;

const CHECK_EXAMPLE = `
Example:
  ledgerproxy check`;

const MANIFEST_EXAMPLE = `
Examples:
  ledgerproxy manifest --image registry.example/ledgerproxy:0.2.0 --api-server https://10.0.0.2:6443 \\
      --cluster-cidr 10.244.0.0/16 | kubectl apply -f -
  ledgerproxy manifest --image registry.example/ledgerproxy:0.2.0 --config-map kube-proxy   # as kubeadm made it`;

const CLEANUP_EXAMPLE = `
Example (going back to kube-proxy):
  ledgerproxy cleanup --after kube-proxy-ready`;

/** Runs the program with `args`; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const done = (result: number) => {
    code = result;
  };
  const program = new Command("ledgerproxy")
    .description("A Kubernetes service proxy for nftables that keeps a ledger.")
    .version(VERSION)
    // Help ends with a newline, and so does what printText prints.
    .configureOutput({ writeOut: (text) => printText(text.replace(/\n$/, "")) })
    .exitOverride();
  addRun(program.command("run"), done);
  addRecord(program.command("record"), done);
  addWhy(withSource(program.command("why")), done);
  addCheck(program.command("check"), done);
  addCleanup(program.command("cleanup"), done);
  for (const add of [addStatus, addServices, addEndpoints, addTop, addConnections, addPlan, addTest]) {
    add(program, done);
  }
  for (const add of [addLog, addShow, addReplay, addDiff, addBisect, addBlame]) add(program, done);
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
    .action((name: (typeof SHELLS)[number]) => printText(completion(program, name)));
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(withoutSigns(args), { from: "user" });
  return code;
}

/** The command `run`. */
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
      "let no other program change our tables (Linux 6.9; nft before 1.1 cannot reload them)",
    )
    .option("--init-only", "set what needs more than NET_ADMIN (sysctls of connection tracking), and exit")
    .addHelpText("after", RUN_EXAMPLE)
    .action(async (options: RunOptions) => done(await run(options)));
}

/** The command `record`. */
function addRecord(command: Command, done: Done): void {
  withSource(command)
    .description("write what happens in a cluster into a ledger; touches no rules")
    .option("--once", "exit when everything there is is recorded")
    .option("--allow-empty", "with --source: files without any object are an empty cluster, not an error")
    .addHelpText("after", RECORD_EXAMPLE)
    .action(async (options: RecordOptions) => done(await record(options)));
}

/** The command `check`. */
function addCheck(command: Command, done: Done): void {
  command
    .description("say whether the proxy can run here, and what other proxies have left; changes nothing")
    .option("--json", "one line of JSON")
    .addHelpText("after", CHECK_EXAMPLE)
    .action((options: { json?: boolean }) => done(check(options)));
}

/** The command `cleanup`. */
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

/** The command `manifest`, which has kube-proxy's flags too and checks them before any node reads them. */
function addManifest(command: Command, done: Done): void {
  addProxyFlags(
    command
      .description(
        "print what kubectl applies to run the proxy on every node: account, permissions, DaemonSet",
      )
      .requiredOption("--image <image>", "the image to run")
      .option("--api-server <url>", "how nodes reach the API server, without the cluster IP we are to serve")
      .option(
        "--for <distribution>",
        `ask the cluster, and say how to free the place: ${Object.keys(DISTRIBUTIONS).join(", ")}`,
      )
      .option(
        "--kubeconfig <file>",
        "with --for: how to reach the cluster (default: KUBECONFIG, or ~/.kube/config)",
      )
      .option("--all-nodes", "with --for: run on every node, not only on those with the label of the canary")
      .option(
        "--config-map <name>",
        "instead: ConfigMap with config.conf and what it names, as kubeadm has it",
      )
      .option("--namespace <name>", "namespace of account and DaemonSet", "kube-system")
      .option("--ledger <dir>", "folder of the ledger on each node", "/var/lib/ledgerproxy")
      .option("--set-sysctls", "a privileged init container that sets the limits of connection tracking")
      .option("--pod-monitor", "a PodMonitor and a metrics Service, for Prometheus' operator")
      .option("--rules", "a PrometheusRule with alerts; each has a runbook line")
      .option("--dashboard", "a ConfigMap with a Grafana dashboard")
      .option("--metrics-job <name>", "job of the metrics: kube-proxy fills its dashboards", "ledgerproxy")
      .addHelpText("after", MANIFEST_EXAMPLE),
  ).action(async (options: ManifestOptions) => done(await manifest(options)));
}

/** Adds the flags about the source and the ledger, and kube-proxy's flags. */
function withSource(command: Command): Command {
  command
    .option("--kubeconfig <file>", "how to reach the API server; in a pod its service account needs none")
    .option("--master <url>", "URL of the API server, in place of the kubeconfig's")
    .addOption(
      command.createOption("--fsync <when>", "when the ledger is made durable (interval: every second)")
        .choices(["always", "interval", "never"] satisfies SyncPolicy[]),
    )
    .option("--source <path>", "instead: a file or folder of YAML/JSON from kubectl, or a recorded ledger")
    .option(...LEDGER_FLAG)
    .option("--config <file>", "a KubeProxyConfiguration, as kube-proxy reads it; flags go before it")
    .option("--speed <n>", "play a recording n times faster than it was recorded", positive);
  return addProxyFlags(command);
}

/** Adds kube-proxy's flags. All are accepted, and only those that matter are in help. */
function addProxyFlags(command: Command): Command {
  for (const { name, form, help } of PROXY_FLAGS) {
    const option = command.createOption(`${name} ${PLACEHOLDERS[form]}`, help ?? "");
    command.addOption(help === undefined ? option.hideHelp() : option);
  }
  return command;
}

/** How help shows the value of a flag. A switch may have none. */
const PLACEHOLDERS: Readonly<Record<FlagForm, string>> = {
  text: "<value>",
  number: "<n>",
  switch: "[true|false]",
  list: "<list>",
  gates: "<list>",
};

/** Whether the user must ask for something else. */
function isWrongUsage(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof KubeconfigProblem || isWrongPosition(error);
}

/** Whether the message of an error is all that a user needs. Any other error is a fault of the program. */
function isExplained(error: unknown): error is Error {
  return error instanceof LedgerLocked || error instanceof LedgerGone || error instanceof FolderNotOurs ||
    error instanceof OutputFailure || error instanceof LedgerOverflow ||
    error instanceof SystemError || isLedgerDamage(error) || isNotRecorded(error) || isSegmentGone(error) ||
    (error instanceof Error && Object.values(Deno.errors).some((kind) => error instanceof kind)) ||
    // Deno has no class for most errors of the system, such as ENOSPC.
    /^E[A-Z0-9]+$/.test(String(codeOf(error)));
}

/** The stack of an error, for a report of a bug. */
function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Runs the program; turns an error into a message and an exit code. */
async function exitCode(args: readonly string[]): Promise<number> {
  try {
    return await main(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (isWrongUsage(error)) {
      log.error(error.message);
      return EXIT.usage;
    }
    if (error instanceof NothingFound) {
      log.error(error.message);
      return EXIT.found;
    }
    log.error(
      isExplained(error) ? error.message : `a fault of this program: ${stackOf(error)}`,
    );
    return EXIT.failure;
  }
}

if ("DedicatedWorkerGlobalScope" in globalThis) serveReplay();
else if (import.meta.main) {
  startLog();
  Deno.exitCode = await exitCode(Deno.args);
  // A write that hangs would keep the process alive.
  if (!await flushLog()) Deno.exit();
}
