// `ledgerproxy` as a process on the node of a lab.

import type { Lab } from "../lab/lab.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Starts the program with `args` in the namespace of the node; what it says is appended to `logFile`. */
export function startLedgerproxy(lab: Lab, logFile: string, ...args: readonly string[]): Deno.ChildProcess {
  const command = ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", ...args];
  return lab.inside("node", () =>
    new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" >> ${logFile} 2>&1`, Deno.execPath(), ...command],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).spawn());
}
