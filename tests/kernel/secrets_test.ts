// What the running program says of credentials that do not work: in its log, at /healthz and among the metrics. Never what
// they are.

import assert from "node:assert/strict";
import { LISTEN } from "../support/api_server.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url);
const HEALTH = "127.0.0.1:10256";
const METRICS = "127.0.0.1:10249";

/** A kubeconfig in `folder` for the server at `server`, as YAML that a person wrote. */
function kubeconfig(folder: string, server: string, user: string): string {
  const path = `${folder}/kubeconfig`;
  const authority = new URL("../../fixtures/tls/server.crt", import.meta.url).pathname;
  Deno.writeTextFileSync(
    path,
    `current-context: x
clusters: [{name: c, cluster: {server: "${server}", certificate-authority: ${authority}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {${user}}}]
`,
  );
  return path;
}

function spawn(folder: string, path: string): Deno.ChildProcess {
  const program = ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", "run", "--node", "node-a"];
  const flags = ["--kubeconfig", path, "--ledger", `${folder}/ledger`, "--healthz-bind-address", HEALTH];
  Deno.writeTextFileSync(`${folder}/log`, "");
  const script = `exec "$@" >> ${folder}/log 2>&1`;
  return new Deno.Command("sh", {
    args: ["-c", script, "sh", Deno.execPath(), ...program, ...flags, "--metrics-bind-address", METRICS],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).spawn();
}

/** All that the program says with this kubeconfig, once its log says `expected`. */
async function said(folder: string, path: string, expected: RegExp): Promise<string> {
  const process = spawn(folder, path);
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  const answer = async (url: string) => {
    try {
      return await (await fetch(url)).text();
    } catch {
      return "";
    }
  };
  try {
    await until(`the log says ${expected}`, () => expected.test(log()));
    let health = "";
    await until("/healthz answers", async () => (health = await answer(`http://${HEALTH}/healthz`)) !== "");
    const rest = await Promise.all(
      ["livez", "metrics", "configz"].map((path) => answer(`http://${METRICS}/${path}`)),
    );
    return [log(), health, ...rest].join("\n");
  } finally {
    process.kill("SIGTERM");
    await process.status;
  }
}

Deno.test("the running program never says what a credential is that does not work", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/token`, "S3CR3T-a\nS3CR3T-b\n");
  Deno.writeTextFileSync(`${folder}/plugin`, "#!/bin/sh\necho S3CR3T >&2\nexit 1\n", { mode: 0o755 });
  const echo = Deno.serve(
    LISTEN,
    (request) => new Response([...request.headers].join("\n"), { status: 500 }),
  );
  const here = `https://127.0.0.1:${echo.addr.port}`;
  const plugin =
    `exec: {apiVersion: client.authentication.k8s.io/v1, command: ${folder}/plugin, interactiveMode: Never}`;
  const cases: [string, string, RegExp][] = [
    [here, "tokenFile: token", /tokenFile .*token: a token is one line/],
    [here, "token: S3CR3T", /500 Internal Server Error/],
    [here, plugin, /exec: the program failed/],
    [here.replace("//", "//someone:S3CR3T@"), "", /500 Internal Server Error/],
    ["https://someone:S3CR3T@127.0.0.1:6443", "", /https:\/\/127\.0\.0\.1:6443: .*refused/i],
    ["http://someone:S3CR3T@127.0.0.1:6443", "token: S3CR3T", /http:\/\/127\.0\.0\.1:6443: .*refused/i],
  ];
  for (const [server, user, expected] of cases) {
    assert.doesNotMatch(
      await said(folder, kubeconfig(folder, server, user), expected),
      /S3CR3T/,
      `${server} ${user}`,
    );
    Deno.removeSync(`${folder}/ledger`, { recursive: true });
  }
  await echo.shutdown();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a kubeconfig that is something else ends the program without a word of what it holds", async () => {
  const folder = Deno.makeTempDirSync();
  const texts = [
    "S3CR3T",
    "a: *S3CR3T",
    "-----BEGIN PRIVATE KEY-----\nS3CR3T\n-----END PRIVATE KEY-----\n",
    "root:$6$S3CR3T:1::\n",
  ];
  for (const text of texts) {
    Deno.writeTextFileSync(`${folder}/kubeconfig`, text);
    const { code } = await spawn(folder, `${folder}/kubeconfig`).status;
    assert.equal(code, 2);
    const log = Deno.readTextFileSync(`${folder}/log`);
    assert.match(log, /^\S+ error: kubeconfig .*kubeconfig: /);
    assert.doesNotMatch(log, /S3CR3T/);
  }
  Deno.removeSync(folder, { recursive: true });
});
