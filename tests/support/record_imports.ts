// Makes the recordings in fixtures/imports: a few changes at a real kube-apiserver, as kubectl, KWOK and the audit log saw them.
//
//   KUBECTL=kubectl KWOKCTL=kwokctl unshare --net deno run -A tests/support/record_imports.ts fixtures/imports

import { ControlPlane, type Json } from "./cluster/control_plane.ts";
import { addApiAddress } from "./cluster/near_plane.ts";
import { API_ADDRESS } from "./cluster/oracle.ts";
import { shell } from "./lab/lab.ts";
import { until } from "./until.ts";

const [target] = Deno.args;
const { KUBECTL: kubectl = "kubectl", KWOKCTL: kwokctl = "kwokctl" } = Deno.env.toObject();
if (target === undefined) throw new Error("which folder are the recordings to be in?");

/** Responses of the four kinds that decide rules, and nothing of what controllers of the server itself do. */
const POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", users: ["system:apiserver"] },
    { level: "None", verbs: ["watch", "list", "get"] },
    {
      level: "RequestResponse",
      resources: [
        { group: "", resources: ["services", "services/status", "nodes", "nodes/status"] },
        { group: "discovery.k8s.io", resources: ["endpointslices"] },
        { group: "networking.k8s.io", resources: ["servicecidrs"] },
      ],
    },
    { level: "Metadata", resources: [{ group: "", resources: ["namespaces"] }] },
    { level: "None" },
  ],
};

const work = Deno.makeTempDirSync();
shell("ip link set lo up");
addApiAddress();
{
  await using plane = await ControlPlane.start(API_ADDRESS, "10.96.0.0/12");
  Deno.writeTextFileSync(`${work}/policy.yaml`, JSON.stringify(POLICY));
  await plane.killApiServer();
  plane.setTokens({ alice: "token-of-alice", "shop-controller": "token-of-controller" });
  await plane.startApiServer(
    `--audit-policy-file=${work}/policy.yaml`,
    `--audit-log-path=${work}/audit.ndjson`,
  );
  for (const name of ["shop", "other"]) {
    await plane.call("POST", "/api/v1/namespaces", { metadata: { name } });
  }
  await record(plane);
}
for (const name of ["audit.ndjson", "kwok.yaml"]) Deno.copyFileSync(`${work}/${name}`, `${target}/${name}`);
Deno.removeSync(work, { recursive: true });

type Kubectl = (...args: readonly string[]) => Promise<void>;

/** The changes that are recorded. */
async function changes(alice: Kubectl, controller: Kubectl): Promise<void> {
  await second();
  await alice("create", file(service("web", "10.96.0.10")));
  await second();
  await controller("create", file(slice("shop", "web", "10.244.1.5")));
  await controller("create", file(slice("other", "db", "10.244.2.9")));
  await second();
  await controller("replace", file(slice("shop", "web", "10.244.1.5", "10.244.1.6")));
  await alice(
    "patch",
    "service/web",
    "-n",
    "shop",
    "--dry-run=server",
    "-p",
    '{"spec":{"externalIPs":["1.2.3.4"]}}',
  );
  await second();
  const port = '{"spec":{"ports":[{"port":443,"name":"https","targetPort":8443}]}}';
  await alice("patch", "service/web", "-n", "shop", "-p", port);
  await second();
  await alice("delete", "service/old", "-n", "shop");
  await controller("delete", "endpointslices", "--all", "-n", "other");
}

async function record(plane: ControlPlane): Promise<void> {
  const by = (user: string, token: string) => {
    const kubeconfig = plane.kubeconfig({ token });
    return (...args: readonly string[]) => run(user, kubeconfig, args);
  };
  const alice = by("alice", "token-of-alice");
  const controller = by("shop-controller", "token-of-controller");
  const admin = plane.kubeconfig();
  await alice("create", file(service("old", "10.96.0.9")));
  const watches = ["services", "endpointslices"].flatMap((kind) => [
    watch(admin, kind, `${kind}.events.json`, "--output-watch-events", "--show-managed-fields"),
    watch(admin, kind, `${kind}.json`),
  ]);
  const kwok = spawn(
    kwokctl,
    [
      "snapshot",
      "export",
      "--record",
      "--kubeconfig",
      admin,
      "--path",
      `${work}/kwok.yaml`,
      "--filter",
      "node,service,endpointslices.discovery.k8s.io",
    ],
    `${work}/kwok.log`,
  );
  await until("all watches have begun", () => grown("services.events.json") && grown("services.json"));
  await until("KWOK records", () => Deno.readTextFileSync(`${work}/kwok.log`).includes("Recording"));
  await changes(alice, controller);
  await until(
    "the watches have seen the last change",
    () =>
      /DELETED/.test(Deno.readTextFileSync(`${target}/endpointslices.events.json`)) &&
      /DELETED/.test(Deno.readTextFileSync(`${target}/services.events.json`)),
  );
  await second();
  for (const process of [...watches, kwok]) {
    process.kill("SIGINT");
    await process.status;
  }
}

function service(name: string, ip: string): Json {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP: ip, selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  };
}

function slice(namespace: string, name: string, ...addresses: readonly string[]): Json {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-a`, namespace, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

function grown(name: string): boolean {
  return Deno.statSync(`${target}/${name}`).size > 0;
}

function watch(
  kubeconfig: string,
  kind: string,
  name: string,
  ...flags: readonly string[]
): Deno.ChildProcess {
  const args = ["--kubeconfig", kubeconfig, "get", kind, "-A", "-w", "-o", "json", ...flags];
  return spawn(kubectl, args, `${target}/${name}`);
}

function spawn(program: string, args: readonly string[], output: string): Deno.ChildProcess {
  return new Deno.Command("sh", { args: ["-c", `exec "$0" "$@" > ${output} 2>&1`, program, ...args] })
    .spawn();
}

async function run(user: string, kubeconfig: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(kubectl, { args: ["--kubeconfig", kubeconfig, ...args] })
    .output();
  if (code !== 0) throw new Error(`${user}: ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

function file(object: Json): string {
  const path = Deno.makeTempFileSync({ dir: work, suffix: ".json" });
  Deno.writeTextFileSync(path, JSON.stringify(object));
  return `--filename=${path}`;
}

/** Times in metadata have whole seconds: changes are further apart. */
async function second(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1100));
}
