// `ledgerproxy version`: prints the version of the program and of everything else that decides behaviour.

import { FORMAT_VERSION } from "../../ledger/format.ts";
import { EXIT } from "../../node/exit_code.ts";
import { VERSION } from "../../node/program_version.ts";
import type { Command, Done } from "../command_line.ts";
import { printJson, printText } from "../terminal.ts";

/** Adds `version` to the program. */
export function addVersion(program: Command, done: Done): void {
  program.command("version").description("print the versions of everything that decides behaviour")
    .addHelpText("after", "\nExample:\n  ledgerproxy version --json | jq .ledgerFormat")
    .option("--json", "one line of JSON")
    .action((options: { json?: boolean }) => done(version(options)));
}

/** Prints one line for each version; returns the exit code. */
function version({ json }: { readonly json?: boolean }): number {
  const versions = {
    ledgerproxy: VERSION,
    ledgerFormat: FORMAT_VERSION,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    kernel: Deno.osRelease(),
    architecture: Deno.build.arch,
  };
  if (json) printJson("version/1", versions);
  else for (const [name, value] of Object.entries(versions)) printText(`${name.padEnd(12)}  ${value}`);
  return EXIT.done;
}
