// The commands of the program, and the groups in which help lists them. Only the command that is asked for is loaded: loading
// all of them takes as long as a short answer.

import { EXIT } from "../node/exit_code.ts";
import { VERSION } from "../node/program_version.ts";
import { Command, type Done, withoutSigns } from "./command_line.ts";
import { checkFlags } from "./flag_rules.ts";
import { checkArguments, guardValues } from "./given_values.ts";
import { collectGarbage } from "./frugal.ts";
import { startPaging } from "./pager.ts";
import { printText } from "./terminal.ts";

/** Loads a command; returns the function that adds it to a program. */
type Load = () => Promise<(program: Command, done: Done) => void>;

const ABOUT = "About the program:";

/** The commands by their group, in the order of help. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  "Run the proxy:": {
    run: async () => (await import("./commands/run.ts")).addRun,
    check: async () => (await import("./commands/check.ts")).addCheck,
    cleanup: async () => (await import("./commands/cleanup.ts")).addCleanup,
    manifest: async () => (await import("./commands/manifest.ts")).addManifest,
    record: async () => (await import("./commands/record.ts")).addRecord,
  },
  "What is, and what would be:": {
    status: async () => (await import("./commands/status.ts")).addStatus,
    services: async () => (await import("./commands/services.ts")).addServices,
    endpoints: async () => (await import("./commands/services.ts")).addEndpoints,
    connections: async () => (await import("./commands/connections.ts")).addConnections,
    drain: async () => (await import("./commands/connections.ts")).addDrain,
    plan: async () => (await import("./commands/plan.ts")).addPlan,
    test: async () => (await import("./commands/test.ts")).addTest,
  },
  "What happened:": {
    log: async () => (await import("./commands/log.ts")).addLog,
    outages: async () => (await import("./commands/top.ts")).addOutages,
    top: async () => (await import("./commands/top.ts")).addTop,
    latency: async () => (await import("./commands/top.ts")).addLatency,
    diff: async () => (await import("./commands/diff.ts")).addDiff,
    show: async () => (await import("./commands/show.ts")).addShow,
    report: async () => (await import("./commands/report.ts")).addReport,
  },
  "Why it happened:": {
    why: async () => (await import("./commands/why.ts")).addWhy,
    blame: async () => (await import("./commands/blame.ts")).addBlame,
    bisect: async () => (await import("./commands/bisect.ts")).addBisect,
  },
  "Evidence:": {
    import: async () => (await import("./commands/import.ts")).addImport,
    audit: async () => (await import("./commands/audit.ts")).addAudit,
    archive: async () => (await import("./commands/archive.ts")).addArchive,
    verify: async () => (await import("./commands/verify.ts")).addVerify,
    replay: async () => (await import("./commands/replay.ts")).addReplay,
  },
  [ABOUT]: {
    version: async () => (await import("./commands/version.ts")).addVersion,
    schema: async () => (await import("./commands/schema.ts")).addSchema,
    completion: async () => (await import("./commands/completion.ts")).addCompletion,
  },
};

/** Their output is for a program, or grows while they run. */
const UNPAGED: ReadonlySet<string> = new Set([
  ...["run", "record", "check", "cleanup", "manifest", "drain", "report", "replay", "completion"],
]);

/** Whether a command needs the other commands too: help does, and the script of a shell. */
function needsAll([first, second]: readonly string[]): boolean {
  return first === "help" || first === "completion" && second !== "names";
}

/** Columns of help, on a terminal and in a pipe. */
const HELP_WIDTH = 80;
/** Columns that are left for what help says, beside the longest flag. */
const HELP_TEXT_WIDTH = 30;

/** Runs the program with `args`; returns the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const words = withoutSigns(args);
  const program = await programFor(words, (result) => {
    code = result;
  });
  for (const command of program.commands) guardValues(command);
  program.hook("preAction", (_, command) => {
    checkArguments(command);
    checkFlags(command);
    // A node has room for its first sync (install/runtime_command.ts). A question would fill it with garbage.
    if (command.name() !== "run") collectGarbage();
    if (program.opts()["pager"] === true && !UNPAGED.has(command.name())) startPaging();
  });
  await program.parseAsync(words, { from: "user" });
  return code;
}

/** The functions that add each command to a program. */
export async function allCommands(): Promise<Awaited<ReturnType<Load>>[]> {
  return await Promise.all(
    Object.values(GROUPS).flatMap((group) => Object.values(group)).map((load) => load()),
  );
}

/** The program with the commands that `args` need. */
async function programFor(args: readonly string[], done: Done): Promise<Command> {
  const program = new Command("ledgerproxy")
    .description("A Kubernetes service proxy for nftables that keeps a ledger.")
    .version(VERSION)
    .option("--no-pager", "print long answers at once on a terminal too")
    // Help ends with a newline, and so does what printText prints.
    .configureOutput({
      writeOut: (text) => printText(text.replace(/\n$/, "")),
      outputError: (text, write) => write(`${text}${helpFor(text)}`),
    })
    .configureHelp({
      helpWidth: HELP_WIDTH,
      minWidthToWrap: HELP_TEXT_WIDTH,
      subcommandTerm: (command) => command.name(),
    })
    .exitOverride();
  const help = program.createCommand("help").argument("[command]").description("print help for a command");
  program.addHelpCommand(help.helpGroup(ABOUT));
  const isNeeded = needed(args);
  for (const [group, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(group);
    for (const [name, load] of Object.entries(commands)) if (isNeeded(name)) (await load())(program, done);
  }
  return program;
}

/** Where commands or flags are listed, behind commander's message about one that is unknown or missing and has no near name. */
function helpFor(text: string): string {
  if (text.includes("Did you mean")) return "";
  if (text.includes("unknown command")) return "`ledgerproxy help` lists the commands\n";
  return /missing required|unknown option|too many arguments|not specified/.test(text)
    ? "`ledgerproxy help COMMAND` lists its arguments and flags\n"
    : "";
}

/** Which commands `args` need: the one that they name, and all for help and a name that is unknown. */
function needed(args: readonly string[]): (name: string) => boolean {
  if (args.length === 1 && ["--version", "-V"].includes(args[0]!)) return () => false;
  const words = args.filter((arg) => arg !== "--no-pager");
  const [first] = words;
  const isKnown = Object.values(GROUPS).some((commands) => Object.hasOwn(commands, first ?? ""));
  return first === undefined || !isKnown || needsAll(words) ? () => true : (name) => name === first;
}
