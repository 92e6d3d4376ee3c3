// Access to a real API server: each way to authenticate, credentials that rotate, a proxy on the way, the account that
// `manifest` makes, and the messages where access fails.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { apiSource } from "../../src/ingest/api_source.ts";
import { isPart } from "../../src/ingest/source.ts";
import { imageCommand } from "../support/bundle.ts";
import { Authority } from "../support/cluster/certificates.ts";
import { ConnectProxy } from "../support/cluster/connect_proxy.ts";
import type { Json } from "../support/cluster/control_plane.ts";
import { SOURCE_TIMES } from "../support/cluster/near_plane.ts";
import { API_ADDRESS as ADDRESS } from "../support/cluster/oracle.ts";
import { planeTest as test } from "../support/cluster/scene.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url).pathname;

/** A busy API server lists all resources within that. */
const LIST_MILLISECONDS = 120_000;

/** Whether all resources can be listed with this kubeconfig; else the problem. */
async function listed(kubeconfig: string): Promise<string> {
  const source = apiSource(new ApiClient(kubeconfig), "node-a", false, SOURCE_TIMES);
  for await (const batch of source.batches(AbortSignal.timeout(LIST_MILLISECONDS))) {
    if (batch.problems.length > 0) return batch.problems[0]!;
    if (batch.kind === "list" && !isPart(batch)) return "listed";
  }
  return "neither a list nor a reason why not";
}

test("client certificates, tokens, token files and exec plugins each authenticate", async (plane, folder) => {
  const { certificate, key } = plane.clients.client("a-user", "system:masters");
  const plugin = `${folder}/plugin`;
  Deno.writeTextFileSync(`${folder}/token`, "test-token\n");
  Deno.writeTextFileSync(
    plugin,
    `#!/bin/sh
echo "$CLUSTER called" >> ${folder}/calls
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$1"`,
    { mode: 0o755 },
  );
  const exec = (token: string) => ({
    exec: {
      apiVersion: "client.authentication.k8s.io/v1",
      command: plugin,
      args: [token],
      env: [{ name: "CLUSTER", value: "test" }],
      interactiveMode: "Never",
    },
  });
  const inline = (path: string) => btoa(Deno.readTextFileSync(path));
  const users: [string, Json, RegExp][] = [
    ["token", { token: "test-token" }, /^listed$/],
    ["token file", { tokenFile: `${folder}/token` }, /^listed$/],
    ["certificate files", { "client-certificate": certificate, "client-key": key }, /^listed$/],
    [
      "inline certificate",
      { "client-certificate-data": inline(certificate), "client-key-data": inline(key) },
      /^listed$/,
    ],
    ["exec plugin", exec("test-token"), /^listed$/],
    ["wrong token", { token: "wrong" }, /401 Unauthorized/],
    ["wrong token of a plugin", exec("wrong"), /401 Unauthorized/],
    ["nothing", {}, /403 Forbidden: .*system:anonymous/],
  ];
  for (const [name, user, expected] of users) {
    const outcome = await listed(plane.kubeconfig(user));
    assert.match(outcome, expected, `${name}: ${outcome}`);
  }
  assert.match(Deno.readTextFileSync(`${folder}/calls`), /^test called$/m);
  const stranger = new Authority(`${folder}/stranger`);
  const distrust = plane.kubeconfig(undefined, { "certificate-authority": stranger.certificate });
  assert.match(
    await listed(distrust),
    /^Node: https:\/\/198\.18\.0\.1:6443: .*invalid peer certificate: UnknownIssuer/,
    "a server that the authority did not sign",
  );
  const forged = stranger.client("admin", "system:masters");
  const forger = { "client-certificate": forged.certificate, "client-key": forged.key };
  assert.notEqual(await listed(plane.kubeconfig(forger)), "listed");
});

test("an expired token is read again from its file, and made again by its plugin", async (plane, folder) => {
  plane.setTokens({ node: "first" });
  await plane.killApiServer();
  await plane.startApiServer();
  const file = `${folder}/token`;
  Deno.writeTextFileSync(file, "first");
  Deno.writeTextFileSync(
    `${folder}/plugin`,
    `#!/bin/sh
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat ${file})"`,
    { mode: 0o755 },
  );
  const users: Json[] = [
    { tokenFile: file },
    {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: `${folder}/plugin`,
        interactiveMode: "Never",
      },
    },
  ];
  const stop = new AbortController();
  const sources = users.map((user) =>
    apiSource(new ApiClient(plane.kubeconfig(user)), "node-a", false, SOURCE_TIMES)
  );
  const reading = sources.map(async (source) => {
    for await (const _ of source.batches(stop.signal)) { /* What matters is the status. */ }
  });
  const watching = () => sources.every((source) => source.status().every(({ problem }) => problem === ""));
  await until("all watch", watching);
  plane.setTokens({ node: "second" });
  await plane.killApiServer();
  await plane.startApiServer();
  await until(
    "the token has expired",
    () => sources.every((source) => source.status().some(({ problem }) => /401/.test(problem))),
  );
  Deno.writeTextFileSync(file, "second");
  await until("all watch again", watching);
  stop.abort();
  await Promise.all(reading);
});

test(
  "a pod finds the API server in its environment, and authenticates with its service account",
  async (plane, folder) => {
    const { clusters: [named] } = JSON.parse(Deno.readTextFileSync(plane.kubeconfig()));
    Deno.copyFileSync(named.cluster["certificate-authority"], `${folder}/ca.crt`);
    Deno.writeTextFileSync(`${folder}/token`, "test-token");
    const account = "/var/run/secrets/kubernetes.io/serviceaccount";
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        "--mount",
        "sh",
        "-c",
        `mount -t tmpfs tmpfs /var/run && mkdir -p ${account} && mount --bind ${folder} ${account} && exec "$@"`,
        "sh",
        ...imageCommand("run", "--dry-run", "--node", "node-a"),
      ],
      cwd: ROOT,
      env: { KUBERNETES_SERVICE_HOST: ADDRESS, KUBERNETES_SERVICE_PORT: "6443" },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.match(
      new TextDecoder().decode(stdout),
      /10\.96\.0\.1 \. tcp \. 443 comment "default\/kubernetes:https"/,
    );
  },
);

test("a proxy on the way to the API server is used, and may fail", async (plane) => {
  await using proxy = new ConnectProxy();
  const stop = new AbortController();
  const kubeconfig = plane.kubeconfig(undefined, { "proxy-url": proxy.url });
  const source = apiSource(new ApiClient(kubeconfig), "node-a", false, SOURCE_TIMES);
  const names: string[] = [];
  const reading = (async () => {
    for await (const batch of source.batches(stop.signal)) {
      if (batch.kind === "events") names.push(...batch.events.map(({ key }) => key.name));
    }
  })();
  const create = (name: string) =>
    plane.call("POST", "/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ port: 80 }] },
    });
  const watching = () => source.status().every(({ problem, listed }) => listed && problem === "");
  await until("all watch", watching);
  assert.ok(proxy.tunnels > 0);
  await create("before");
  await until("a change comes through", () => names.includes("before"));
  proxy.cut();
  await create("after");
  await until("and one after the break", () => names.includes("after"));
  assert.ok(
    source.status().every(({ lists }) => lists === 1),
    "a failure of the proxy does not lead to a new list",
  );
  stop.abort();
  await reading;
});

/** Where the API server takes each kind of object. */
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: "/api/v1/namespaces/kube-system/serviceaccounts",
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  DaemonSet: "/apis/apps/v1/namespaces/kube-system/daemonsets",
  Service: "/api/v1/namespaces/kube-system/services",
  ConfigMap: "/api/v1/namespaces/kube-system/configmaps",
};

test("the account that `manifest` makes may read all it needs and nothing else", async (plane) => {
  const [program, ...args] = imageCommand("manifest", "--image", "example/ledgerproxy:1", ...[
    "--api-server",
    `https://${ADDRESS}:6443`,
    "--cluster-cidr",
    "10.244.0.0/16",
    "--set-sysctls",
    "--dashboard",
    "--metrics-bind-address",
    "0.0.0.0:10249",
  ]);
  const { stdout, success } = await new Deno.Command(program!, { args, cwd: ROOT }).output();
  assert.ok(success);
  const { values } = readDocuments("manifest.yaml", new TextDecoder().decode(stdout));
  assert.deepEqual(values.map((value) => (value as { kind: string }).kind), Object.keys(PATHS));
  await until("the API server has its namespaces", async () => {
    const { items } = await plane.call("GET", "/api/v1/namespaces");
    return (items as Json[]).some((item) => (item["metadata"] as Json)["name"] === "kube-system");
  });
  for (const value of values) {
    await plane.call(
      "POST",
      `${PATHS[(value as { kind: string }).kind]}?fieldValidation=Strict`,
      value as Json,
    );
  }
  const account = `${PATHS["ServiceAccount"]}/ledgerproxy`;
  const { status } = await plane.call("POST", `${account}/token`, { spec: { expirationSeconds: 3600 } });
  const token = (status as Json)["token"] as string;
  const kubeconfig = plane.kubeconfig({ token });
  // The server looks up roles in a cache.
  await until("the account may list", async () => await listed(kubeconfig) === "listed");

  using client = new ApiClient(kubeconfig);
  const event = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "node-a.1", namespace: "default" },
    eventTime: "2026-11-23T00:00:00.000000Z",
    reportingController: "ledgerproxy",
    reportingInstance: "ledgerproxy-node-a",
    action: "StartKubeProxy",
    reason: "Starting",
    regarding: { kind: "Node", name: "node-a" },
    type: "Normal",
  };
  await client.post("/apis/events.k8s.io/v1/namespaces/default/events", event);
  const { rules } = await plane.call("GET", `${PATHS["ClusterRole"]}/ledgerproxy`) as { rules: Json[] };
  const role = `${PATHS["ClusterRole"]}/ledgerproxy`;
  for (const [i, rule] of rules.entries()) {
    await plane.call("PATCH", role, { rules: rules.filter((_, other) => other !== i) });
    const denied = async () => {
      if ((rule["resources"] as string[])[0] !== "events") return /403/.test(await listed(kubeconfig));
      return await client.post("/apis/events.k8s.io/v1/namespaces/default/events", event).then(
        () => false,
        (error: Error) => /403/.test(error.message),
      );
    };
    await until(`${JSON.stringify(rule["resources"])} is missed`, denied);
    await plane.call("PATCH", role, { rules });
  }
  const secrets = await client.get("/api/v1/secrets", {}, new AbortController().signal);
  await secrets.body?.cancel();
  assert.equal(secrets.status, 403);
});
