// A running cluster is asked, over TLS, what it says about itself. What is larger than any object is refused as it arrives.

import assert from "node:assert/strict";
import { kubeconfigOf, withFacts } from "../../src/install/asked_cluster.ts";
import type { Distribution } from "../../src/install/distributions.ts";
import {
  type InstallationOptions,
  type KnownOptions,
  networkOfPods,
  settingsOfPods,
} from "../../src/install/installation.ts";
import { kubeconfig, Server, status, stream } from "../support/api_server.ts";
import { until } from "../support/until.ts";

const NODES = "/api/v1/nodes";

/** The options that follow from a cluster whose Nodes are listed so. */
async function asked(nodes: () => Response): Promise<Record<string, unknown>> {
  await using server = new Server(
    () => undefined,
    (path) => path === NODES ? nodes() : status(404, "NotFound"),
  );
  server.firstLists = true;
  const options: Partial<InstallationOptions> = { kubeconfig: server.kubeconfig() };
  const found = await withFacts(options as InstallationOptions, {} as Distribution);
  return { ...found, apiServer: found.apiServer === `https://127.0.0.1:${server.port}` };
}

Deno.test("the pod CIDRs of all Nodes are read from a list in many parts", async () => {
  const list = (last: object) =>
    Response.json({
      kind: "NodeList",
      apiVersion: "v1",
      metadata: {},
      items: Array.from({ length: 3000 }, (_, i) => ({
        metadata: { name: `node-${i}`, annotations: { text: "x".repeat(100) } },
        spec: i === 2999 ? last : { podCIDR: `10.${i >> 8}.${i & 255}.0/24` },
      })),
    });
  const found = await asked(() => list({ podCIDR: "10.255.0.0/24" }));
  assert.deepEqual([found["detectLocalMode"], found["apiServer"]], ["NodeCIDR", true]);
  await assert.rejects(asked(() => list({})), /the cluster does not say which addresses its pods have/);
});

Deno.test("a Node that would fill the memory is refused while it arrives", async () => {
  const parts = function* () {
    yield '{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[{"spec":{"podCIDR":"10.0.0.0/24","x":[';
    for (let i = 0; i < 70; i++) yield "[],".repeat(100_000);
    yield "0]}}]}";
  };
  await assert.rejects(asked(() => stream([...parts()], false)), {
    name: "ApiFailure",
    message: /an object of more than 2000000 brackets and commas/,
  });
});

Deno.test("on nodes of both families the pods may listen on both: health check ports are on each address", async () => {
  const addresses = ["10.0.0.11", "fd00::11"].map((address) => ({ type: "InternalIP", address }));
  const network = async (count: number) => {
    const node = { spec: { podCIDR: "10.0.0.0/24" }, status: { addresses: addresses.slice(0, count) } };
    const options = await asked(() => Response.json({ kind: "NodeList", metadata: {}, items: [node] }));
    const known = { ...options as unknown as KnownOptions, apiServer: "https://10.0.0.2:6443" };
    return networkOfPods(known, settingsOfPods(known));
  };
  const [one, both] = [await network(1), await network(2)];
  assert.deepEqual([one.known, both.known], [true, false]);
});

Deno.test("the time for an answer begins once a person has logged in, and the message names a silent server", async () => {
  const silence = Promise.withResolvers<Response>();
  await using server = new Server(() => undefined, () => silence.promise);
  server.firstLists = true;
  const folder = Deno.makeTempDirSync();
  try {
    const login = `${folder}/login`;
    const wait = `touch ${folder}/asked; while [ ! -e ${folder}/done ]; do sleep 0.05; done`;
    Deno.writeTextFileSync(login, `#!/bin/sh\n${wait}\necho '{}'\n`, { mode: 0o755 });
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: login, interactiveMode: "Never" };
    const ask = (file: string) => {
      const options: Partial<InstallationOptions> = { kubeconfig: file };
      return withFacts(options as InstallationOptions, {} as Distribution, 50);
    };
    let ended = false;
    const held = ask(kubeconfig(folder, `https://127.0.0.1:${server.port}`, { exec }))
      .catch(() => {}).finally(() => ended = true);
    await until(
      "the login was asked for",
      () => [...Deno.readDirSync(folder)].some(({ name }) => name === "asked"),
    );
    // Begun later with the same bound: by its end the first one would have ended too.
    const message = `https://127.0.0.1:${server.port}: no answer within 0.05 s`;
    await assert.rejects(ask(server.kubeconfig()), { message });
    assert.equal(ended, false);
    Deno.writeTextFileSync(`${folder}/done`, "");
    await held;
  } finally {
    silence.resolve(status(404, "NotFound"));
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("the kubeconfig is that of the flag, else kubectl's; of several files one must be named", () => {
  const before = Deno.env.get("KUBECONFIG");
  const found = (variable: string, flag?: string) => {
    Deno.env.set("KUBECONFIG", variable);
    return kubeconfigOf(flag);
  };
  try {
    assert.equal(found("/a:/b", "/c"), "/c");
    assert.equal(found("/a"), "/a");
    assert.equal(found(":/a:"), "/a");
    assert.equal(found(""), `${Deno.env.get("HOME")}/.kube/config`);
    assert.throws(() => found("/a:/b"), {
      name: "UsageError",
      message: /KUBECONFIG names 2 files: give --kubeconfig/,
    });
  } finally {
    if (before === undefined) Deno.env.delete("KUBECONFIG");
    else Deno.env.set("KUBECONFIG", before);
  }
});
