// The pages of reference that are made from the program: the help of every command, and its metrics. `deno task reference` writes
// them, and tests compare.

import { newMetrics } from "../../src/serve/metrics.ts";
import { PROCESS } from "./process_gauged.ts";
import { runProgram } from "./run_program.ts";

/** The page with the help of every command. */
export const COMMANDS_PAGE = "src/cli/COMMANDS.md";
/** The page with every metric. */
export const METRICS_PAGE = "src/serve/METRICS.md";

/** The page of commands. `helpOf` returns what a command prints with --help; for "" the program. */
export async function commandsPage(helpOf: (command: string) => Promise<string>): Promise<string> {
  const whole = await helpOf("");
  const commands = commandsIn(whole);
  const sections = [];
  for (const command of commands) sections.push(`## ${command}`, "", ...block(await helpOf(command)), "");
  return [
    "# Commands and flags",
    "",
    "This page is made from the program's own help by `deno task reference`.",
    "",
    ...block(whole),
    "",
    ...sections,
  ].join("\n");
}

/** The names of the commands in the program's help. */
export function commandsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!).filter((name) => name !== "help");
}

function block(text: string): string[] {
  return ["```text", text.trimEnd(), "```"];
}

/** The page of metrics: name, type and meaning of each. */
export async function metricsPage(): Promise<string> {
  const metrics = newMetrics({
    ...{ status: () => [], gathered: () => ({ services: 0, endpoints: 0 }), ledger: () => undefined },
    ...{ problems: () => [], droppedLines: () => 0, ...PROCESS },
  });
  metrics.measureLoopDelay()[Symbol.dispose]();
  const text = await metrics.text();
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map((
    [, name, help],
  ) => [name!, types.get(name!) ?? "", help!]);
  rows.sort(([a], [b]) => a! < b! ? -1 : 1);
  return [
    "# Metrics",
    "",
    "At `/metrics` of the metrics port (10249; 10349 for a proxy with a name). Names that begin with",
    "`kubeproxy_` are those of kube-proxy. `/metrics/slis` has the results of the health checks, as",
    "components of Kubernetes do. This page is made from the program by `deno task reference`.",
    "",
    "| metric | type | meaning |",
    "| --- | --- | --- |",
    ...rows.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const helpOf = async (command: string) => {
    const args = command === "" ? ["--help"] : [command, "--help"];
    return (await runProgram("src/cli/main.ts", ["--allow-all"], ...args)).stdout;
  };
  Deno.writeTextFileSync(COMMANDS_PAGE, await commandsPage(helpOf));
  Deno.writeTextFileSync(METRICS_PAGE, await metricsPage());
}
