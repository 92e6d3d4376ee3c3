// `ledgerproxy` as it is shipped, as a process on the node of a lab.

import { bundle, imageArguments, imageEntrypoint, imageEnvironment } from "../bundle.ts";
import type { Lab } from "../lab/lab.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Starts the program with `args` in the namespace of the node. Its log is appended to `logFile`. */
export function startLedgerproxy(lab: Lab, logFile: string, ...args: readonly string[]): Deno.ChildProcess {
  return startBundle(lab, logFile, args, bundle());
}

/**
 * Starts the bundle at `path` with `args` as the image does. Another bundle than this checkout's gets whole permissions, as it may
 * be of a version that asked for more, and the flags of V8 that the Dockerfile of its own checkout has.
 */
export function startBundle(
  lab: Lab,
  logFile: string,
  args: readonly string[],
  path: string,
): Deno.ChildProcess {
  const scoped = imageArguments(path, args);
  const flags = path === bundle()
    ? scoped
    : scoped.map((flag) =>
      flag.startsWith("--v8-flags=") ? ownFlags(path) ?? flag : flag.replace(/^(--allow-\w+)=.*/, "$1")
    );
  const command = [Deno.execPath(), ...flags, path, ...args];
  return lab.inside("node", () =>
    new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" >> ${logFile} 2>&1`, ...command],
      cwd: ROOT,
      env: { ...imageEnvironment(), NO_COLOR: "1" },
      stdin: "null",
    }).spawn());
}

/** The flags of V8 in the Dockerfile of the checkout in whose folder "dist" the bundle at `path` is; undefined where there is none. */
function ownFlags(path: string): string | undefined {
  const dockerfile = path.replace(/[^/]*\/[^/]*$/, "Dockerfile");
  try {
    return imageEntrypoint(dockerfile).find((flag) => flag.startsWith("--v8-flags="));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
