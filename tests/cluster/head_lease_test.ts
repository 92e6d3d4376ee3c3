// The Lease as a witness, with a real API server: the proxy publishes a head with the permissions that `manifest --head-lease` prints,
// its own credentials cannot take the head back, and `verify --witness lease` finds a ledger that was cut, written anew or replaced.

import assert from "node:assert/strict";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { imageCommand } from "../support/bundle.ts";
import { ControlPlane, type Json } from "../support/cluster/control_plane.ts";
import { API_ADDRESS } from "../support/cluster/oracle.ts";
import { planeTest } from "../support/cluster/scene.ts";
import { MemoryDisk } from "../support/memory_disk.ts";
import { ObservedProgram } from "../support/observed_program.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
/** Where the API server takes each kind of object. */
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: "/api/v1/namespaces/kube-system/serviceaccounts",
  Role: `${RBAC}/namespaces/kube-system/roles`,
  RoleBinding: `${RBAC}/namespaces/kube-system/rolebindings`,
  ClusterRole: `${RBAC}/clusterroles`,
  ClusterRoleBinding: `${RBAC}/clusterrolebindings`,
  ValidatingAdmissionPolicy: `${ADMISSION}/validatingadmissionpolicies`,
  ValidatingAdmissionPolicyBinding: `${ADMISSION}/validatingadmissionpolicybindings`,
  DaemonSet: "/apis/apps/v1/namespaces/kube-system/daemonsets",
};

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function ran(...args: readonly string[]) {
  const [program, ...rest] = imageCommand(...args);
  const options = { args: rest, env: { NO_COLOR: "1" }, stdin: "null" } as const;
  const { code, stdout, stderr } = await new Deno.Command(program!, options).output();
  return { code, stdout: decode(stdout), text: decode(stdout) + decode(stderr) };
}

/** Applies what `manifest --head-lease` prints; returns a token as the pod on `node-a` has it. */
async function install(plane: ControlPlane): Promise<string> {
  const { stdout, text, code } = await ran(
    ...["manifest", "--image", "example/ledgerproxy:1", "--api-server", `https://${API_ADDRESS}:6443`],
    ...["--cluster-cidr", "10.244.0.0/16", "--head-lease"],
  );
  assert.equal(code, 0, text);
  await until("the API server has its namespaces", async () => {
    const { items } = await plane.call("GET", "/api/v1/namespaces");
    return (items as Json[]).some((item) => (item["metadata"] as Json)["name"] === "kube-system");
  });
  for (const value of readDocuments("manifest.yaml", stdout).values) {
    const path = PATHS[(value as { kind: string }).kind]!;
    await plane.call("POST", `${path}?fieldValidation=Strict`, value as Json);
  }
  const node = await plane.call("POST", "/api/v1/nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a" },
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  });
  const { status } = await plane.call("POST", `${PATHS["ServiceAccount"]}/ledgerproxy/token`, {
    spec: {
      expirationSeconds: 3600,
      boundObjectRef: {
        apiVersion: "v1",
        kind: "Node",
        name: "node-a",
        uid: (node["metadata"] as Json)["uid"],
      },
    },
  });
  return (status as Json)["token"] as string;
}

/** A request with the credentials of the proxy; returns the status and the message of the answer. */
async function asProxy(plane: ControlPlane, token: string, method: string, path: string, body?: Json) {
  const kubeconfig = JSON.parse(Deno.readTextFileSync(plane.kubeconfig()));
  using client = Deno.createHttpClient({
    caCerts: [Deno.readTextFileSync(kubeconfig.clusters[0].cluster["certificate-authority"])],
  });
  const answer = await fetch(`https://${API_ADDRESS}:6443${path}`, {
    method,
    client,
    headers: {
      "authorization": `Bearer ${token}`,
      "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return `${answer.status} ${((await answer.json()) as Json)["message"] ?? ""}`;
}

const leaseObject = (name: string): Json => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name, labels: { "ledgerproxy/witness": "heads" } },
});

planeTest(
  "a head in a Lease cannot be taken back with the node's credentials, and shows what was done to the ledger",
  async (plane, folder) => {
    const token = await install(plane);
    await until("the policy is in force", async () => {
      const answer = await asProxy(plane, token, "POST", LEASES, leaseObject("ledgerproxy-node-b"));
      if (answer.startsWith("201")) await plane.call("DELETE", `${LEASES}/ledgerproxy-node-b`);
      return answer.startsWith("422");
    });

    // The head is published at the end, which waits 3 s for the disk.
    using disk = new MemoryDisk(Deno.makeTempDirSync());
    const ledger = `${disk.at}/ledger`;
    {
      await using program = new ObservedProgram(
        `${folder}/log`,
        ...["--kubeconfig", plane.kubeconfig({ token }), "--ledger", ledger, "--head-lease", "kube-system"],
      );
      await until("the rules are in place", () => /skeleton written/.test(program.log));
      assert.equal(await program.end(), 0, program.log);
    }
    const own = `${LEASES}/ledgerproxy-node-a`;
    const { metadata } = await plane.call("GET", own) as { metadata: { annotations: Json } };
    const [head, ...others] = Object.keys(metadata.annotations);
    assert.match(head!, /^head\.ledgerproxy\/[0-9a-f]{16}\.\d+$/);
    assert.deepEqual(others, []);

    const change = (value: unknown) => ({ metadata: { annotations: { [head!]: value } } });
    const refused = /^422 .*a head of a ledger that was published is not changed or removed/;
    assert.match(await asProxy(plane, token, "PATCH", own, change("00".repeat(32))), refused);
    assert.match(await asProxy(plane, token, "PATCH", own, change(null)), refused);
    assert.match(
      await asProxy(plane, token, "PATCH", own, { metadata: { labels: null } }),
      /^422 .*a Lease with heads keeps its label/,
    );
    assert.match(await asProxy(plane, token, "DELETE", own), /^403 /);
    assert.match(await asProxy(plane, token, "PUT", own, leaseObject("ledgerproxy-node-a")), /^403 /);

    const verify = () => ran("verify", ledger, "--witness", "lease", "--kubeconfig", plane.kubeconfig());
    const whole = await verify();
    assert.equal(whole.code, 0, whole.text);
    const segment = [...Deno.readDirSync(ledger)].find(({ name }) => name.endsWith(".ndjson"))!.name;
    const text = Deno.readTextFileSync(`${ledger}/${segment}`);
    Deno.writeTextFileSync(`${ledger}/${segment}`, text.split("\n").slice(0, 3).join("\n") + "\n");
    for (const { name } of Deno.readDirSync(ledger)) {
      if (name !== segment) Deno.removeSync(`${ledger}/${name}`, { recursive: true });
    }
    const cut = await verify();
    assert.equal(cut.code, 1, cut.text);
    assert.match(
      cut.text,
      /the witness saw @\d+ in Lease kube-system\/ledgerproxy-node-a, and the ledger ends at @1: its tail was cut/,
    );
    Deno.removeSync(ledger, { recursive: true });
    const fresh = await ran(
      "run",
      "--once",
      "--node",
      "node-a",
      "--kubeconfig",
      plane.kubeconfig(),
      "--ledger",
      ledger,
    );
    assert.equal(fresh.code, 0, fresh.text);
    const replaced = await verify();
    assert.equal(replaced.code, 1, replaced.text);
    assert.match(replaced.text, /the witness never saw ledger [0-9a-f]{16}, .*: all of it was replaced/);
  },
);
