// Credentials that do not work: the program as it is shipped reports the problem in its log and at all its addresses, and
// nowhere the credential.

import assert from "node:assert/strict";
import { LISTEN } from "../support/api_server.ts";
import { imageCommand } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const HEALTH = "127.0.0.1:10256";
const METRICS = "127.0.0.1:10249";
/** Parts of the credentials, as they are and in base64. */
const SECRETS = /S3C|phrase|UzNDUj|YWRtaW/;
const ADDRESSES = [
  ...["livez", "healthz"].map((path) => `http://${HEALTH}/${path}`),
  ...["metrics", "metrics/slis", "configz", "details", "flagz", "statusz"].map((path) =>
    `http://${METRICS}/${path}`
  ),
];

/** A kubeconfig in `folder` for the server at `server`, as YAML. */
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
  const flags = ["--kubeconfig", path, "--ledger", `${folder}/ledger`, "--healthz-bind-address", HEALTH];
  Deno.writeTextFileSync(`${folder}/log`, "");
  return new Deno.Command("sh", {
    args: [
      ...["-c", `exec "$@" >> "$0" 2>&1`, `${folder}/log`],
      ...imageCommand("run", "--node", "node-a", ...flags, "--metrics-bind-address", METRICS),
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).spawn();
}

/** The log and all addresses of the program with this kubeconfig, once its log matches `expected`. */
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
    await until(`the log says ${expected}`, () => {
      assert.doesNotMatch(log(), SECRETS);
      return expected.test(log());
    });
    const said = [];
    for (const url of ADDRESSES) {
      let text = "";
      await until(`${url} answers`, async () => (text = await answer(url)) !== "");
      said.push(text);
    }
    return [log(), ...said].join("\n");
  } finally {
    process.kill("SIGTERM");
    await process.status;
  }
}

Deno.test("the running program never prints a credential that does not work", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/token`, "S3CR3T-a\nS3CR3T-b\n");
  Deno.writeTextFileSync(`${folder}/plugin`, "#!/bin/sh\necho S3CR3T >&2\nexit 1\n", { mode: 0o755 });
  const echo = Deno.serve(
    LISTEN,
    (request) => new Response([...request.headers].join("\n"), { status: 500 }),
  );
  // It quotes what it received behind so many characters that a message ends inside it.
  const cutting = Deno.serve(LISTEN, (request) => {
    const value = (request.headers.get("authorization") ?? "").replace(/^\S+ /, "");
    const isBasic = request.headers.get("authorization")?.startsWith("Basic ");
    return new Response(`${"-".repeat(188)} ${isBasic ? atob(value) : value}`, { status: 500 });
  });
  const there = `https://127.0.0.1:${cutting.addr.port}`;
  const long = `S3CR3T-${"0123456789".repeat(30)}`;
  const here = `https://127.0.0.1:${echo.addr.port}`;
  const plugin =
    `exec: {apiVersion: client.authentication.k8s.io/v1, command: ${folder}/plugin, interactiveMode: Never}`;
  const cases: [string, string, RegExp][] = [
    [here, "tokenFile: token", /tokenFile .*token: a token is one line/],
    [here, "token: S3CR3T", /500 Internal Server Error/],
    [there, `token: ${long}`, /500 Internal Server Error: -+/],
    [there, `username: admin, password: "S3CR3T phrase"`, /500 Internal Server Error: -+/],
    [there.replace("//", "//admin:S3CR3T@"), "", /500 Internal Server Error: -+/],
    [here, plugin, /exec: the program failed/],
    [here.replace("//", "//admin:S3CR3T@"), "", /500 Internal Server Error/],
    ["https://admin:S3CR3T@127.0.0.1:6443", "", /https:\/\/127\.0\.0\.1:6443: .*refused/i],
    ["http://admin:S3CR3T@127.0.0.1:6443", "token: S3CR3T", /http:\/\/127\.0\.0\.1:6443: .*refused/i],
  ];
  for (const [server, user, expected] of cases) {
    assert.doesNotMatch(
      await said(folder, kubeconfig(folder, server, user), expected),
      SECRETS,
      `${server} ${user}`,
    );
    Deno.removeSync(`${folder}/ledger`, { recursive: true });
  }
  await echo.shutdown();
  await cutting.shutdown();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a file that is no kubeconfig ends the program, and its content is not printed", async () => {
  const folder = Deno.makeTempDirSync();
  const texts = [
    "a: *S3CR3T",
    `{"token": "S3CR3T", `,
    "token: S3CR3T\n bad: x\n",
    "@S3CR3T",
    "S3CR3T",
    "-----BEGIN PRIVATE KEY-----\nS3CR3T\n-----END PRIVATE KEY-----\n",
    "root:$6$S3CR3T:1::\n",
  ];
  for (const text of texts) {
    Deno.writeTextFileSync(`${folder}/kubeconfig`, text);
    const { code } = await spawn(folder, `${folder}/kubeconfig`).status;
    assert.equal(code, 2);
    const log = Deno.readTextFileSync(`${folder}/log`);
    assert.doesNotMatch(log, /S3CR3T/);
    assert.match(log, /error: kubeconfig .*kubeconfig: /);
  }
  Deno.removeSync(folder, { recursive: true });
});
