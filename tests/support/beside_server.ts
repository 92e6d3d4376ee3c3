// The program as it is shipped, beside a fake API server, in the namespaces of this process.

import type { Server } from "./api_server.ts";
import { imageCommand, imageEnvironment } from "./bundle.ts";

/** Starts it with `flags` of run. Its ledger is `ledger` in `folder`, and its log is `log`, which begins anew. */
export function startBeside(server: Server, folder: string, ...flags: readonly string[]): Deno.ChildProcess {
  Deno.writeTextFileSync(`${folder}/log`, "");
  const paths = ["--kubeconfig", server.kubeconfig(), "--ledger", `${folder}/ledger`];
  const command = imageCommand("run", "--node", "node-a", ...paths, ...flags);
  return new Deno.Command("sh", {
    args: ["-c", `exec "$0" "$@" >> ${folder}/log 2>&1`, ...command],
    env: { ...imageEnvironment(), NO_COLOR: "1" },
    stdin: "null",
  }).spawn();
}
