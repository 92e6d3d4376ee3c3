// A start with an API server at a Service address: it can be reached only through rules that the program has yet to
// make.

import assert from "node:assert/strict";
import { kubeconfig } from "../support/api_server.ts";
import { imageCommand } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const CIDR = {
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: { name: "kubernetes" },
  spec: { cidrs: ["10.96.0.0/16"] },
};

function run(folder: string, ...flags: string[]): Deno.ChildProcess {
  const address = ["--healthz-bind-address", "127.0.0.1:10256"];
  const [program, ...args] = imageCommand(
    ...["run", "--node", "node-a", "--ledger", `${folder}/ledger`, ...address, ...flags],
  );
  return new Deno.Command(program!, {
    args,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stderr: "piped",
  }).spawn();
}

Deno.test("the start warns of an API server whose address is in a service CIDR of the ledger", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/cluster.json`, JSON.stringify(CIDR));
  assert.ok((await run(folder, "--source", `${folder}/cluster.json`, "--once").output()).success);
  await using program = run(folder, "--kubeconfig", kubeconfig(folder, "https://10.96.0.1:443"));
  let log = "";
  const reading = program.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({ write: (text) => void (log += text) }),
  );
  await until("the log warns", () => /warning: API server .*: 10\.96\.0\.1 is in 10\.96\.0\.0\/16/.test(log));
  program.kill("SIGKILL");
  await reading;
  Deno.removeSync(folder, { recursive: true });
});
