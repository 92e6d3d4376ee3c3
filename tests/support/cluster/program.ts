// `ledgerproxy` as it is shipped, as a process on the node of a lab.

import { bundle, imageArguments } from "../bundle.ts";
import type { Lab } from "../lab/lab.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Starts the program with `args` in the namespace of the node. Its log is appended to `logFile`. */
export function startLedgerproxy(lab: Lab, logFile: string, ...args: readonly string[]): Deno.ChildProcess {
  return startBundle(lab, logFile, args, bundle());
}

/** Starts the bundle at `path` with `args` as the image does. */
export function startBundle(
  lab: Lab,
  logFile: string,
  args: readonly string[],
  path: string,
): Deno.ChildProcess {
  const command = [Deno.execPath(), ...imageArguments(path, args), path, ...args];
  return lab.inside("node", () =>
    new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" >> ${logFile} 2>&1`, ...command],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).spawn());
}
