// `ledgerproxy` as a process on the node of a lab: from its sources, or as it is shipped.

import type { Lab } from "../lab/lab.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Starts the program with `args` in the namespace of the node; what it says is appended to `logFile`. */
export function startLedgerproxy(lab: Lab, logFile: string, ...args: readonly string[]): Deno.ChildProcess {
  return start(lab, logFile, ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", ...args]);
}

/** Starts `bundle` with `args` as the image does. */
export function startBundle(
  lab: Lab,
  logFile: string,
  args: readonly string[],
  bundle = BUNDLE,
): Deno.ChildProcess {
  return start(lab, logFile, [...imageArguments(), bundle, ...args]);
}

/** The program as it is shipped: `deno task bundle` makes it, which needs a registry the first time. */
export const BUNDLE = new URL("dist/ledgerproxy.js", ROOT).pathname;

/** What the image passes to deno before the program: permissions and flags of V8. */
export function imageArguments(): string[] {
  const text = Deno.readTextFileSync(new URL("Dockerfile", ROOT)).replaceAll("\\\n", "");
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)![1]!) as string[];
  return entrypoint.slice(1, -1);
}

function start(lab: Lab, logFile: string, command: readonly string[]): Deno.ChildProcess {
  return lab.inside("node", () =>
    new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" >> ${logFile} 2>&1`, Deno.execPath(), ...command],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).spawn());
}
