// The chart: rendered by helm it gives the objects that `manifest` prints for the same choices.

import assert from "node:assert/strict";
import { checkJob } from "../../src/install/check_job.ts";
import { leaseObjects } from "../../src/install/lease_objects.ts";
import { monitoringObjects } from "../../src/install/monitors.ts";
import { LABELS, NAME, type Workload, workloadObjects } from "../../src/install/workload.ts";
import { byName, HELM, type Json, rendered } from "../support/rendered_chart.ts";
import { runProgram } from "../support/run_program.ts";

/** What `manifest` prints; a chart names the pull policy too. */
function printed(workload: Partial<Workload>, monitoring: readonly unknown[] = []): Map<string, unknown> {
  const objects = workloadObjects({
    image: "ledgerproxy:1.2.3",
    namespace: "kube-system",
    ledger: "/var/lib/ledgerproxy",
    apiServer: "https://10.0.0.2:6443",
    flags: ["--detect-local-mode=NodeCIDR"],
    setSysctls: true,
    canary: false,
    healthPort: 10256,
    ...workload,
  });
  const { template: { spec } } = (objects.at(-1) as Json)["spec"] as { template: { spec: Json } };
  for (const container of [...(spec["containers"] as Json[]), ...(spec["initContainers"] as Json[] ?? [])]) {
    container["imagePullPolicy"] = "IfNotPresent";
  }
  return byName([...objects, ...monitoring]);
}

const API = ["--set", "apiServer=https://10.0.0.2:6443"];

Deno.test({
  name: "the chart's default values give what manifest prints",
  ignore: HELM === undefined,
  async fn() {
    assert.deepEqual(await rendered(...API), printed({}));
  },
});

Deno.test({
  name: "a misspelt value and one of a wrong type are refused by their names",
  ignore: HELM === undefined,
  async fn() {
    for (
      const [flag, value, message] of [
        ["--set", "apiserver=https://10.0.0.2:6443", /'apiserver' not allowed/],
        ["--set", "tolerations=abc", /'\/tolerations': got string, want array/],
        ["--set", "monitoring=true", /'\/monitoring': got boolean, want object/],
        ["--set-string", "countConnections=false", /'\/countConnections': got string, want boolean/],
        ["--set", "ledger=folder", /'\/ledger'/],
        ["--set", "serviceProxyName=Blue", /'\/serviceProxyName'/],
        ["--set", "image.repository=", /'\/image\/repository'/],
        ["--set", "image=null", /missing property 'image'/],
        ["--set", "monitoring=null", /missing property 'monitoring'/],
        ["--set", "monitoring.job=", /'\/monitoring\/job'/],
        ["--set", "check=null", /missing property 'check'/],
        ["--set", "image.pullPolicy=Foo", /'\/image\/pullPolicy'/],
      ] as const
    ) await assert.rejects(rendered(...API, flag, value), message, value);
    await rendered(...API, "--set", "global.any=1,nodeSelector.pool=a,resources=null");
  },
});

Deno.test({
  name: "each value reaches the object that it is about",
  ignore: HELM === undefined,
  async fn() {
    const found = await rendered(
      ...API,
      ...[
        "--set",
        "image.repository=registry.example/lp",
        "--set",
        "image.tag=9",
        "--set",
        "setSysctls=false",
      ],
      ...["--set", "flags={--cluster-cidr=10.244.0.0/16}", "--set-string", "config.config\\.conf=x"],
      ...["--set", "ledger=/srv/ledger"],
    );
    const flags = ["--cluster-cidr=10.244.0.0/16"];
    const image = "registry.example/lp:9";
    const workload = {
      image,
      flags,
      setSysctls: false,
      config: { "config.conf": "x" },
      ledger: "/srv/ledger",
    };
    assert.deepEqual(found, printed(workload));
  },
});

Deno.test({
  name:
    "a proxy with a name has names and ports of its own, and no Lease; it counts connections where asked to",
  ignore: HELM === undefined,
  async fn() {
    const named = ["--set", "serviceProxyName=blue"];
    const found = await rendered(...API, ...named, "--set", "countConnections=true");
    const workload = {
      name: "ledgerproxy-blue",
      ledger: "/var/lib/ledgerproxy-blue",
      flags: ["--service-proxy-name=blue", "--count-connections", "--detect-local-mode=NodeCIDR"],
      healthPort: 10356,
    };
    assert.deepEqual(found, printed(workload));
    await assert.rejects(rendered(...API, ...named, "--set", "headLease=true"), /without serviceProxyName/);
  },
});

Deno.test({
  name: "monitoring gives the objects of manifest, with the braces of alerts and legends",
  ignore: HELM === undefined,
  async fn() {
    const on = ["enabled", "podMonitor", "rules", "dashboard"].flatMap((
      name,
    ) => ["--set", `monitoring.${name}=true`]);
    const found = await rendered(...API, ...on, "--set", "monitoring.job=kube-proxy");
    const metadata = { name: NAME, namespace: "kube-system" };
    const choice = { podMonitor: true, rules: true, dashboard: true };
    const monitored = { metadata, labels: LABELS, port: 10249, job: "kube-proxy" };
    const flags = ["--detect-local-mode=NodeCIDR", "--metrics-bind-address=0.0.0.0:10249"];
    assert.deepEqual(found, printed({ flags, metricsPort: 10249 }, monitoringObjects(monitored, choice)));
  },
});

Deno.test({
  name: "heads in Leases are off, and with headLease the pods may do what manifest lets them",
  ignore: HELM === undefined,
  async fn() {
    const isLease = (name: string) => /^(Role|RoleBinding|ValidatingAdmission\w+) /.test(name);
    assert.deepEqual([...(await rendered(...API)).keys()].filter(isLease), []);
    const found = await rendered(...API, "--set", "headLease=true");
    assert.equal([...found.keys()].filter(isLease).length, 4);
    const leases = leaseObjects({ name: NAME, namespace: "kube-system" });
    assert.deepEqual(found, printed({ headLease: true }, leases));
  },
});

Deno.test({
  name: "without the API server's address the chart says what to set",
  ignore: HELM === undefined,
  async fn() {
    await assert.rejects(rendered(), /apiServer: how nodes reach the API server/);
  },
});

Deno.test({
  name: "labels, annotations, pull secrets, tolerations and affinity are the user's",
  ignore: HELM === undefined,
  async fn() {
    const found = await rendered(
      ...API,
      ...[
        "--set",
        "podLabels.team=net",
        "--set",
        "podAnnotations.a=b",
        "--set",
        "imagePullSecrets[0].name=key",
      ],
      ...["--set", "affinity.nodeAffinity.x=y", "--set", "nodeSelector.pool=edge"],
    );
    const { template: { metadata, spec } } = (found.get("DaemonSet ledgerproxy") as Json)["spec"] as {
      template: { metadata: Json; spec: Json };
    };
    const annotations = { "kubectl.kubernetes.io/default-container": "ledgerproxy", a: "b" };
    assert.deepEqual(metadata, { labels: { ...LABELS, team: "net" }, annotations });
    assert.deepEqual(spec["imagePullSecrets"], [{ name: "key" }]);
    assert.deepEqual(spec["affinity"], { nodeAffinity: { x: "y" } });
    assert.deepEqual(spec["nodeSelector"], { "kubernetes.io/os": "linux", pool: "edge" });
  },
});

Deno.test({
  name: "check is a Job for each node that is named, with the image of the chart",
  ignore: HELM === undefined,
  async fn() {
    const names = (found: Map<string, unknown>) =>
      [...found.keys()].filter((name) => name.startsWith("Job "));
    assert.deepEqual(names(await rendered(...API)), []);
    const only = ["--show-only", "templates/check.yaml"];
    const long = `${"worker-".repeat(6)}1`;
    const checked = ["--set", `check.nodes={worker-1,7,${long}}`, ...only];
    const found = await rendered(...API, ...checked);
    const nodes = ["worker-1", "7", long];
    assert.deepEqual(
      [...found.values()],
      nodes.map((node, i) => {
        const name = [...found.keys()][i]!.replace(/^Job /, "");
        const job = { name, namespace: "kube-system", node, image: "ledgerproxy:1.2.3" };
        return checkJob(job, { pod: {}, container: { imagePullPolicy: "IfNotPresent" } });
      }),
    );
    const [first, second, third] = names(found);
    assert.match(first!, /^Job ledgerproxy-check-worker-1-[0-9a-f]{8}$/);
    assert.match(second!, /^Job ledgerproxy-check-7-[0-9a-f]{8}$/);
    assert.match(third!, /^Job ledgerproxy-check-[a-z-]{30,32}[a-z]-[0-9a-f]{8}$/);
    assert.ok(third!.length <= "Job ".length + 63, `${third}`);
    // The template of a Job cannot change: a Job that Helm would have to change has another name.
    assert.deepEqual(names(await rendered(...API, ...checked)), names(found));
    const other = names(await rendered(...API, ...checked, "--set", "image.tag=9"));
    assert.deepEqual(other.filter((name) => found.has(name)), []);
    // What one release owns, Helm installs for no other.
    const beside = names(await rendered(...API, ...checked, "--name-template", "beside"));
    assert.deepEqual(beside.filter((name) => found.has(name)), []);
    assert.equal(beside.length, 3);
    // An image that the proxy's pods can pull, the Job can.
    const pulling = ["--set", "imagePullSecrets[0].name=key,image.pullPolicy=Always"];
    const [[pulledName, pulled] = []] = await rendered(...API, ...checked, ...pulling);
    assert.ok(!found.has(pulledName!), `${pulledName}`);
    assert.match(
      JSON.stringify(pulled),
      /"imagePullSecrets":\[\{"name":"key"\}\].*"imagePullPolicy":"Always"/,
    );
  },
});

Deno.test("the task that writes the chart explains itself, and writes nothing where it is asked wrongly", async () => {
  const folder = await Deno.makeTempDir();
  const write = ["--allow-read", "--allow-write"];
  for (const [args, code] of [[["--help"], 0], [["--output", folder], 2], [[folder, folder], 2]] as const) {
    const ended = await runProgram(".ci/install_files.ts", write, "chart", ...args);
    assert.equal(ended.code, code);
    assert.match(ended.stdout + ended.stderr, /^usage: deno task chart \[DIR\]/);
  }
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});
