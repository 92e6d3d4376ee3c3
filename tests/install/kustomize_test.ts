// The kustomize base: built by kustomize with an overlay it gives the objects that `manifest` prints for the same choices.

import assert from "node:assert/strict";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { kustomizeFiles } from "../../src/install/kustomize.ts";
import { leaseObjects } from "../../src/install/lease_objects.ts";
import { monitoringObjects } from "../../src/install/monitors.ts";
import { LABELS, NAME, type Workload, workloadObjects } from "../../src/install/workload.ts";
import { goProgram } from "../support/go_program.ts";
import { writeFiles } from "../support/written_files.ts";

const KUSTOMIZE = goProgram("KUSTOMIZE");

type Json = Record<string, unknown>;

const OVERLAY = (components: readonly string[], generated: string) =>
  `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
components: [${components.map((name) => `../components/${name}`).join(", ")}]
configMapGenerator: [{name: ledgerproxy, namespace: kube-system, ${generated}}]
generatorOptions: {disableNameSuffixHash: true}
`;

/** The objects that kustomize builds of an overlay, by kind and name; without one, those of the example. */
async function built(overlay?: string): Promise<Map<string, Json>> {
  const folder = await Deno.makeTempDir();
  try {
    await writeFiles(folder, kustomizeFiles("1.2.3"));
    if (overlay !== undefined) await Deno.writeTextFile(`${folder}/example/kustomization.yaml`, overlay);
    const { success, stdout, stderr } = await new Deno.Command(KUSTOMIZE!, {
      args: ["build", `${folder}/example`],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return byName(readDocuments("built.yaml", new TextDecoder().decode(stdout), "kubernetes").values);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function byName(objects: readonly unknown[]): Map<string, Json> {
  return new Map(
    (objects as (Json & { metadata: Json })[]).map((one) => [`${one["kind"]} ${one.metadata["name"]}`, one]),
  );
}

/** What `manifest` prints, with the variable of the API server. */
function printed(workload: Partial<Workload>): Map<string, Json> {
  const objects = workloadObjects({
    image: "ledgerproxy:1.2.3",
    namespace: "kube-system",
    ledger: "/var/lib/ledgerproxy",
    apiServer: "$(API_SERVER)",
    flags: ["--detect-local-mode=NodeCIDR"],
    setSysctls: true,
    canary: false,
    healthPort: 10256,
    ...workload,
  });
  const valueFrom = { configMapKeyRef: { name: NAME, key: "apiServer" } };
  for (const container of containersOf(objects.at(-1) as Json)) {
    container["env"] = [...container["env"] as Json[], { name: "API_SERVER", valueFrom }];
  }
  return byName(objects);
}

function containersOf(daemonSet: Json): Json[] {
  const { template: { spec } } = daemonSet["spec"] as { template: { spec: Json } };
  return [...(spec["containers"] as Json[]), ...(spec["initContainers"] as Json[] ?? [])];
}

/** The flags in any order, each with its value behind "=": patches add theirs at the end. */
function withSortedFlags(objects: Map<string, Json>): Map<string, Json> {
  for (const container of containersOf(objects.get(`DaemonSet ${NAME}`)!)) {
    container["args"] = (container["args"] as string[]).join(" ").replace("--config ", "--config=").split(
      / (?=--)/,
    )
      .sort();
  }
  return objects;
}

const same = (found: Map<string, Json>, expected: Map<string, Json>) =>
  assert.deepEqual(withSortedFlags(found), withSortedFlags(expected));

Deno.test({
  name: "base and canary give what manifest prints, with the API server of a ConfigMap",
  ignore: KUSTOMIZE === undefined,
  async fn() {
    const found = await built(OVERLAY(["canary"], "literals: [apiServer=https://10.0.0.7:6443]"));
    const generated = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: NAME, namespace: "kube-system" },
      data: { apiServer: "https://10.0.0.7:6443" },
    };
    same(found, new Map([...printed({ canary: true }), ...byName([generated])]));
  },
});

Deno.test({
  name: "a configuration and monitoring reach the pods",
  ignore: KUSTOMIZE === undefined,
  async fn() {
    const literals = "literals: [apiServer=https://10.0.0.7:6443, config.conf=x]";
    const found = await built(OVERLAY(["config", "monitoring"], literals));
    const flags = ["--detect-local-mode=NodeCIDR", "--metrics-bind-address=0.0.0.0:10249"];
    const data = { apiServer: "https://10.0.0.7:6443", "config.conf": "x" };
    const metadata = { name: NAME, namespace: "kube-system" };
    const choice = { podMonitor: true, rules: true, dashboard: true };
    const monitoring = monitoringObjects({ metadata, labels: LABELS, port: 10249, job: NAME }, choice);
    const expected = new Map([
      ...printed({ flags, metricsPort: 10249, config: data }),
      ...byName(monitoring),
    ]);
    same(found, expected);
  },
});

Deno.test({
  name: "heads in Leases are a component: what manifest adds, and the flag in both containers",
  ignore: KUSTOMIZE === undefined,
  async fn() {
    const literals = "literals: [apiServer=https://10.0.0.7:6443]";
    const without = await built(OVERLAY([], literals));
    const isLease = (name: string) => /^(Role|RoleBinding|ValidatingAdmission\w+) /.test(name);
    assert.deepEqual([...without.keys()].filter(isLease), []);
    const found = await built(OVERLAY(["head-lease"], literals));
    const leases = byName(leaseObjects({ name: NAME, namespace: "kube-system" }));
    assert.equal(leases.size, 4);
    for (const [name, object] of leases) assert.deepEqual(found.get(name), object, name);
    const flags = ["--detect-local-mode=NodeCIDR", "--head-lease=$(POD_NAMESPACE)"];
    const pods = printed({ flags }).get(`DaemonSet ${NAME}`)!;
    const valueFrom = { fieldRef: { fieldPath: "metadata.namespace" } };
    for (const container of containersOf(pods)) {
      container["env"] = [...container["env"] as Json[], { name: "POD_NAMESPACE", valueFrom }];
    }
    same(
      new Map([[`DaemonSet ${NAME}`, found.get(`DaemonSet ${NAME}`)!]]),
      new Map([[`DaemonSet ${NAME}`, pods]]),
    );
  },
});

Deno.test({
  name:
    "with another namespace, heads in Leases are of that one: account, flag, and what the policy is about",
  ignore: KUSTOMIZE === undefined,
  async fn() {
    const overlay = OVERLAY(["head-lease"], "literals: [apiServer=https://10.0.0.7:6443]");
    const found = await built(`${overlay.replaceAll("kube-system", "proxies")}namespace: proxies\n`);
    for (const [name, object] of byName(leaseObjects({ name: NAME, namespace: "proxies" }))) {
      assert.deepEqual(found.get(name)!["spec"], object["spec"], name);
      assert.deepEqual(found.get(name)!["subjects"], object["subjects"], name);
    }
    assert.doesNotMatch(JSON.stringify([...found.values()]), /kube-system/);
  },
});

Deno.test({
  name: "the example builds, and the pods name the ConfigMap that it generates",
  ignore: KUSTOMIZE === undefined,
  async fn() {
    const found = await built();
    const [name] = [...found.keys()].filter((name) => name.startsWith("ConfigMap "));
    const daemonSet = JSON.stringify(found.get(`DaemonSet ${NAME}`));
    assert.match(name!, /^ConfigMap ledgerproxy-\w+$/);
    assert.equal(
      daemonSet.split(`"${name!.slice("ConfigMap ".length)}"`).length - 1,
      2,
      "in both containers",
    );
    const images = [...daemonSet.matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image);
    assert.equal(images.length, 2);
    for (const image of images) {
      assert.match(image!, /^registry\.example\/ledgerproxy:\d/, "no registry has an image of ours");
    }
  },
});
