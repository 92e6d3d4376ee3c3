// The program's version, as deno.json has it, and those of everything else that decides behaviour.

import { printJson } from "./json_schema.ts";
import config from "../../deno.json" with { type: "json" };
import { FORMAT_VERSION } from "../ledger/format.ts";

export const VERSION: string = config.version;

/** Prints one line each; returns the exit code. */
export function version({ json }: { readonly json?: boolean }): number {
  const versions = {
    ledgerproxy: VERSION,
    ledgerFormat: FORMAT_VERSION,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    kernel: Deno.osRelease(),
    architecture: Deno.build.arch,
  };
  if (json) printJson("version/1", versions);
  else for (const [name, value] of Object.entries(versions)) console.log(`${name.padEnd(12)}  ${value}`);
  return 0;
}
