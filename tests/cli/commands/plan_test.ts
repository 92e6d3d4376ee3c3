// `plan`, as a user runs it on a file of kubectl.

import assert from "node:assert/strict";
import { planCommand } from "../../../src/cli/commands/plan.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { AskedLedger } from "../../support/asked_program.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { writeCommitted } from "../../support/past.ts";
import { type Ended, runProgram } from "../../support/run_program.ts";

const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-a, namespace: shop, labels: {kubernetes.io/service-name: web}}
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints: []
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
`;

Deno.test("packets that would be served no more end with exit code 1; a file without objects is wrong usage", async () => {
  using ledger = new AskedLedger();
  const file = `${ledger.folder}-objects.yaml`;
  await Deno.writeTextFile(file, SLICE);
  const [text, json, none, missing] = await Promise.all([
    ledger.ask("plan", "-f", file),
    ledger.json("plan", "-f", file, "--at", "@8"),
    ledger.ask("plan", "-f", "deno.json"),
    ledger.ask("plan", "-f", "/nowhere"),
  ]);
  assert.equal(text.code, 1, text.stderr);
  assert.match(
    text.stdout,
    /^laid over @13: 1 object changes, 0 stay; 1 packet goes elsewhere, 1 of them unserved\n/,
  );
  assert.match(text.stdout, /^NO LONGER SERVED {2}from another host to 10\.96\.0\.1:80\/tcp, shop\/web$/m);
  assert.match(text.stderr, /1 object of another kind decides no rules/);
  assert.equal(json[0]?.["unserved"], 1);
  assert.deepEqual([none.code, missing.code], [2, 2]);
  assert.match(missing.stderr, /-f \/nowhere: /);
  await Deno.remove(file);
});

Deno.test("a fault of the program while it reads files is no wrong usage", () => {
  using ledger = new AskedLedger();
  const { statSync } = Deno;
  const filename = "/a/fault";
  Deno.statSync = (path) => {
    if (path === filename) throw new RangeError("a fault");
    return statSync(path);
  };
  try {
    assert.throws(() => planCommand({ ledger: ledger.folder, filename: [filename] }), RangeError);
  } finally {
    Deno.statSync = statSync;
  }
});

const BALANCED = {
  ...service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", {
    type: "LoadBalancer",
    loadBalancerSourceRanges: ["10.0.0.0/8"],
  }),
  status: { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } },
};

/** Runs `plan` with `args` on `objects`, over a balancer with a range. */
async function planned(objects: readonly unknown[], flag = "-f"): Promise<Ended> {
  const folder = await Deno.makeTempDir();
  const batch = [BALANCED, slice("shop/web-a http:8080/tcp 10.244.0.1")].map(appears);
  writeCommitted(folderStorage(`${folder}/ledger`, true), [batch]);
  const file = `${folder}/objects.json`;
  await Deno.writeTextFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  const ended = await runProgram(
    "src/cli/main.ts",
    ["--allow-all"],
    "plan",
    flag,
    file,
    "--ledger",
    `${folder}/ledger`,
  );
  await Deno.remove(folder, { recursive: true });
  return ended;
}

Deno.test("clients of a range that is let through no more are served no more", async () => {
  const spec = { ...BALANCED.spec, loadBalancerSourceRanges: ["10.0.0.0/9"] };
  const { code, stdout } = await planned([{ apiVersion: "v1", ...BALANCED, spec }]);
  assert.match(stdout, /^NO LONGER SERVED {2}from 10\.128\.0\.0 to 198\.51\.100\.1:80\/tcp, shop\/web$/m);
  assert.equal(code, 1);
});

Deno.test("the status of a stored object counts as it is, also where it has no address any more", async () => {
  const metadata = { ...BALANCED.metadata, uid: "1" };
  const { code, stdout } = await planned([{
    apiVersion: "v1",
    ...BALANCED,
    metadata,
    status: { loadBalancer: {} },
  }]);
  assert.match(stdout, /^NO LONGER SERVED {2}from 10\.0\.0\.0 to 198\.51\.100\.1:80\/tcp, shop\/web$/m);
  assert.equal(code, 1);
});

Deno.test("what is deleted is served no more; without objects to apply or delete the usage is wrong", async () => {
  const { code, stdout } = await planned([{ apiVersion: "v1", ...BALANCED }], "--delete");
  assert.match(stdout, /^Service shop\/web goes$/m);
  assert.equal(code, 1);
  using ledger = new AskedLedger();
  const { code: wrong, stderr } = await ledger.ask("plan");
  assert.equal(wrong, 2);
  assert.match(stderr, /plan needs -f PATH, the objects to apply, or --delete PATH, those to delete/);
});

/** What Helm prints: comments, objects without a namespace, other kinds, an empty document; and an anchor, as people write it. */
const CHART = `---
# Source: shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: &labels {app.kubernetes.io/name: web}
spec:
  type: ClusterIP
  selector: *labels
  ports: [{name: http, port: 81, targetPort: 8080}]
---
# Source: shop/templates/empty.yaml
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.org}
`;

/** Runs `plan` with `args`, and `text` on standard input. */
async function plannedInput(text: string, ...args: string[]): Promise<Ended> {
  using ledger = new AskedLedger();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--quiet",
      "src/cli/main.ts",
      "plan",
      ...args,
      "--ledger",
      ledger.folder,
    ],
    env: { NO_COLOR: "1" },
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  // The program may end before it has read all.
  await new Blob([text]).stream().pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out!, stderr: err! };
}

Deno.test("what Helm prints is read from standard input, with the namespace of the flag", async () => {
  const [shop, none, twice, nothing] = await Promise.all([
    plannedInput(CHART, "-f", "-", "-n", "shop"),
    plannedInput(CHART, "-f", "-"),
    plannedInput(CHART, "-f", "-", "--delete", "-"),
    plannedInput("# nothing\n", "-f", "-"),
  ]);
  assert.match(shop.stdout, /^NO LONGER SERVED .* to 10\.96\.0\.1:80\/tcp, shop\/web$/m, shop.stderr);
  assert.match(shop.stderr, /1 object names no namespace: taken for shop/);
  assert.match(none.stdout, /^Service default\/web appears$/m);
  assert.match(none.stdout, /^unknown: default\/web: its cluster IP is to be allocated$/m);
  assert.deepEqual([shop.code, none.code, twice.code, nothing.code], [1, 0, 2, 2]);
});

Deno.test("of several files the later one is applied later; what the API server would refuse changes nothing", async () => {
  using ledger = new AskedLedger();
  const files = ["10.96.0.9", "10.96.0.1"].map((clusterIP, i) => {
    const path = `${ledger.folder}-${i}.yaml`;
    Deno.writeTextFileSync(
      path,
      CHART.replace("type: ClusterIP", `type: ClusterIP\n  clusterIP: ${clusterIP}`),
    );
    return path;
  });
  const [refused, later, json] = await Promise.all([
    ledger.ask("plan", "-n", "shop", "-f", files[1]!, "-f", files[0]!),
    ledger.ask("plan", "-n", "shop", "-f", files[0]!, "-f", files[1]!),
    ledger.json("plan", "-n", "shop", "-f", files[0]!),
  ]);
  for (const file of files) Deno.removeSync(file);
  assert.match(
    refused.stdout,
    /^REFUSED BY THE API SERVER {2}shop\/web: its cluster IP is 10\.96\.0\.1 and may not change to 10\.96\.0\.9$/m,
  );
  assert.match(refused.stdout, /^laid over @13: 0 objects change, 0 stay; 0 packets go elsewhere/);
  assert.match(later.stdout, /^Service shop\/web changes$/m);
  assert.deepEqual([refused.code, later.code], [1, 1]);
  assert.equal((json[0]?.["refused"] as string[]).length, 1);
});
