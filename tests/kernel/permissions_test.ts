// The image's own command lines, word for word: that of the Dockerfile, and that of `manifest`. All that the program does works
// with these permissions, NET_ADMIN alone and a read-only root; what a library has no business with is refused.

import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { LISTEN } from "../support/api_server.ts";
import { imageEntrypoint } from "../support/bundle.ts";
import { imageFolder, startInImage } from "../support/image_root.ts";
import { shell } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { inKernel, removeTables } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const CERTIFICATE = new URL("../../fixtures/tls/server.crt", import.meta.url);
/** The node's own address, where health check ports listen, and one of another machine. */
const NODE = "192.168.0.2";
const ELSEWHERE = "192.168.0.9";
const HEALTH_CHECK_PORT = 31080;
const SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop", resourceVersion: "1" },
  spec: {
    type: "LoadBalancer",
    clusterIP: "10.96.0.1",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: HEALTH_CHECK_PORT,
    ports: [{ port: 80, nodePort: 31000 }],
  },
  status: { loadBalancer: { ingress: [{ ip: "203.0.113.80" }] } },
};
const SLICE = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-a", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ port: 8080, name: "", protocol: "TCP" }],
  endpoints: [{ addresses: ["10.244.0.1"], nodeName: "node-a" }],
};
const OWN_NODE = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-a", resourceVersion: "1" },
  status: { addresses: [{ type: "InternalIP", address: NODE }] },
};

/** Tries what no part of the program has a business with; prints what was not refused. */
const PROBE = `
const tries = {
  "read /etc/shadow": () => Deno.readTextFileSync("/etc/shadow"),
  "read /proc/1/environ": () => Deno.readTextFileSync("/proc/1/environ"),
  "write /etc/probe": () => Deno.writeTextFileSync("/etc/probe", "x"),
  "write /tmp/probe": () => Deno.writeTextFileSync("/tmp/probe", "x"),
  "write beside the ledger's folder": () => Deno.writeTextFileSync("/var/lib/probe", "x"),
  "write the account": () => Deno.writeTextFileSync("/var/run/secrets/kubernetes.io/serviceaccount/token", "x"),
  "run a program": () => new Deno.Command("/usr/bin/true").outputSync(),
  "open another library": () => Deno.dlopen("libm.so.6", { cos: { parameters: ["f64"], result: "f64" } }),
  "open another library by path": () => Deno.dlopen(Deno.args[0], { cos: { parameters: ["f64"], result: "f64" } }),
  "listen elsewhere": () => Deno.listen({ hostname: "127.0.0.1", port: 4444 }).close(),
  "connect elsewhere": () => Deno.connect({ hostname: "${ELSEWHERE}", port: 4444 }),
};
const allowed = [];
for (const [name, attempt] of Object.entries(tries)) {
  try {
    await attempt();
    allowed.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) allowed.push(name + ": " + error);
  }
}
const libc = Deno.dlopen(Deno.args[1], { getpid: { parameters: [], result: "i32" } });
console.log(JSON.stringify({ allowed, libc: libc.symbols.getpid() === Deno.pid }));
`;
const LIBRARIES = `/lib/${Deno.build.arch}-linux-gnu`;

shell(`ip link add node type bridge
ip link set node up
ip address add ${NODE}/24 dev node`);

const logOf = (folder: string) => Deno.readTextFileSync(`${folder}/log`);

/** An API server whose streamed lists are complete; `change` sends a slice to its watch. */
function startServer() {
  const text = new TextEncoder();
  const end = JSON.stringify({
    type: "BOOKMARK",
    object: { metadata: { resourceVersion: "10", annotations: { "k8s.io/initial-events-end": "true" } } },
  });
  const listed = new Map<string, unknown>([["nodes", OWN_NODE], ["services", SERVICE], [
    "endpointslices",
    SLICE,
  ]]);
  const slices = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const events: unknown[] = [];
  const server = Deno.serve({ ...LISTEN, hostname: "0.0.0.0" }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const resource = pathname.split("/").at(-1)!;
    if (request.method === "POST") return Response.json(events.push(await request.json()), { status: 201 });
    // Lists are streamed.
    if (!searchParams.has("watch")) return new Response(null, { status: 422 });
    const object = listed.get(resource);
    return new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          if (object !== undefined) {
            controller.enqueue(text.encode(`${JSON.stringify({ type: "ADDED", object })}\n`));
          }
          controller.enqueue(text.encode(`${end}\n`));
          if (resource === "endpointslices") slices.add(controller);
        },
      }),
    );
  });
  const change = (object: unknown) => {
    for (const watch of slices) {
      watch.enqueue(text.encode(`${JSON.stringify({ type: "MODIFIED", object })}\n`));
    }
  };
  return { server, change, events };
}

/** Gives the pod its account. */
function furnish(folder: string): void {
  Deno.writeTextFileSync(`${folder}/account/token`, "token");
  Deno.copyFileSync(CERTIFICATE, `${folder}/account/ca.crt`);
}

/** Runs `command` until it serves, changes and answers everything; then ends it. */
async function lives(
  folder: string,
  command: readonly string[],
  change: (object: unknown) => void,
): Promise<void> {
  using kernel = new NetlinkKernel();
  const has = (text: string) => () => inKernel(kernel).some((element) => element.includes(text));
  const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1" };
  const program = startInImage(folder, command, env);
  try {
    await until("the Service is served", has("10.244.0.1"));
    const answered = async (url: string) => {
      const response = await fetch(url).catch(() => undefined);
      await response?.body?.cancel();
      return response?.status;
    };
    await until("/livez", async () => await answered("http://127.0.0.1:10256/livez") === 200);
    await until("/metrics", async () => await answered("http://127.0.0.1:10249/metrics") === 200);
    const check = `http://${NODE}:${HEALTH_CHECK_PORT}/`;
    await until("the health check port", async () => await answered(check) === 200);
    change({ ...SLICE, endpoints: [{ addresses: ["10.244.0.7"], nodeName: "node-a" }] });
    await until("a change is served", has("10.244.0.7"));
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0, logOf(folder));
  } finally {
    try {
      program.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await program.status;
  }
  removeTables(kernel);
  assert.doesNotMatch(logOf(folder), /Requires|NotCapable|a fault of this program/);
}

/** What the probe reports when it runs in place of the program. */
async function probed(folder: string, command: readonly string[]) {
  Deno.writeTextFileSync(`${folder}/log`, "");
  const at = command.indexOf("/ledgerproxy/ledgerproxy.js");
  const libraries = [`${LIBRARIES}/libm.so.6`, `${LIBRARIES}/libc.so.6`];
  const probe = [...command.slice(0, at), "/ledgerproxy/probe.js", ...libraries];
  await startInImage(folder, probe).status;
  return JSON.parse(logOf(folder).trim().split("\n").at(-1)!) as { allowed: string[]; libc: boolean };
}

Deno.test("the Dockerfile's command: everything works, and what the program has no business with is refused", async () => {
  const folder = imageFolder(PROBE);
  furnish(folder);
  const { server, change } = startServer();
  const run = ["run", "--ledger", "/var/lib/ledgerproxy/ledger", "--node", "node-a"];
  const master = ["--master", `https://127.0.0.1:${server.addr.port}`];
  try {
    await lives(folder, [...imageEntrypoint(), ...run, ...master], change);
    const { allowed, libc } = await probed(folder, imageEntrypoint());
    assert.ok(libc);
    // The image does not know the API server, so any address may be used.
    assert.deepEqual(allowed.map((name) => name.split(":")[0]), ["listen elsewhere", "connect elsewhere"]);
    for (
      const [args, said] of [
        [["version"], /ledgerproxy/],
        [["check"], /yes/],
        [["verify", "/var/lib/ledgerproxy/ledger"], /whole|nothing|records/],
        [["replay", "/var/lib/ledgerproxy/ledger"], /commits|equal|same/],
        [["log", "--ledger", "/etc"], /read access to "\/etc"/],
      ] as const
    ) {
      Deno.writeTextFileSync(`${folder}/log`, "");
      await startInImage(folder, [...imageEntrypoint(), ...args]).status;
      assert.match(logOf(folder), said, args.join(" "));
    }
  } finally {
    await server.shutdown();
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a kubeadm configuration: kubeconfig, certificate and token are read from their folders", async () => {
  const folder = imageFolder(PROBE);
  furnish(folder);
  const { server, change } = startServer();
  const account = "/var/run/secrets/kubernetes.io/serviceaccount";
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: "c",
      cluster: {
        server: `https://127.0.0.1:${server.addr.port}`,
        "certificate-authority": `${account}/ca.crt`,
      },
    }],
    users: [{ name: "u", user: { tokenFile: `${account}/token` } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  const config = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf" },
  };
  Deno.writeTextFileSync(`${folder}/config/kubeconfig.conf`, JSON.stringify(kubeconfig));
  Deno.writeTextFileSync(`${folder}/config/config.conf`, JSON.stringify(config));
  const run = ["run", "--ledger", "/var/lib/ledgerproxy/ledger", "--node", "node-a"];
  try {
    await lives(
      folder,
      [...imageEntrypoint(), ...run, "--config", "/var/lib/kube-proxy/config.conf"],
      change,
    );
  } finally {
    await server.shutdown();
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("manifest's command: everything works, and other addresses are refused too", async () => {
  const folder = imageFolder(PROBE);
  furnish(folder);
  const { server, change, events } = startServer();
  const url = `https://127.0.0.1:${server.addr.port}`;
  // The pods' addresses say of which family the node's are: only then are the addresses known.
  const flags = ["--image", "example/ledgerproxy:1", "--api-server", url, "--cluster-cidr", "10.244.0.0/16"];
  await startInImage(folder, [...imageEntrypoint(), "manifest", ...flags]).status;
  const printed = logOf(folder);
  const documents = parseAllDocuments(printed).map((document) => document.toJS());
  const daemonSet = documents.find((document) => document?.kind === "DaemonSet");
  assert.ok(daemonSet !== undefined, printed.slice(0, 1000));
  const [container] = daemonSet.spec.template.spec.containers;
  const net = container.command?.find((word: string) => word.startsWith("--allow-net="));
  assert.ok(
    net?.includes(`127.0.0.1:${server.addr.port}`),
    `its command allows every address: ${container.command}`,
  );
  const hostIp = container.env.find(({ name }: { name: string }) => name === "HOST_IP");
  assert.deepEqual(hostIp?.valueFrom, { fieldRef: { fieldPath: "status.hostIP" } });
  const expanded = (words: string[]) =>
    words.map((word) => word.replace("$(NODE_NAME)", "node-a").replace("$(HOST_IP)", NODE));
  const command = expanded(container.command);
  try {
    Deno.writeTextFileSync(`${folder}/log`, "");
    await lives(folder, [...command, ...expanded(container.args)], change);
    await until("an event was sent", () => events.length > 0);
    const { allowed, libc } = await probed(folder, command);
    assert.ok(libc);
    assert.deepEqual(allowed, []);
  } finally {
    await server.shutdown();
  }
  await Deno.remove(folder, { recursive: true });
});
