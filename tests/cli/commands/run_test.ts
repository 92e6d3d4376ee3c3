// `run --dry-run` as a user runs it: it prints the rules that a source and the settings mean, and touches nothing.

import assert from "node:assert/strict";
import { RECORDING } from "../../support/committed_evening.ts";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("a dry run prints the rules as nft text and makes no ledger", async () => {
  const ledger = `${await Deno.makeTempDir()}/ledger`;
  const { code, stdout } = await ledgerproxy([
    "run",
    "--source",
    RECORDING,
    "--ledger",
    ledger,
    "--dry-run",
    "--node",
    "node-a",
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^table ip ledgerproxy \{/);
  // Two endpoints fill two slots.
  assert.match(
    stdout,
    /10\.96\.0\.10 \. udp \. 53 \. 1 comment "kube-system\/kube-dns:dns" : 10\.244\.0\.10 \. 53/,
  );
  await assert.rejects(Deno.stat(ledger), Deno.errors.NotFound);
});

Deno.test("wrong objects are named and left out, the others are served", async () => {
  const folder = await Deno.makeTempDir();
  const service = (name: string, ip: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP: ip, ports: [{ port: 80 }] },
  });
  await Deno.writeTextFile(`${folder}/a.json`, JSON.stringify(service("good", "10.96.0.1")));
  await Deno.writeTextFile(`${folder}/b.json`, JSON.stringify(service("bad", "10.96.0.300")));
  await Deno.writeTextFile(`${folder}/c.yaml`, "kind: [unclosed\n");
  await Deno.writeTextFile(`${folder}/d.yaml`, "kind: Pod\n");
  await Deno.writeTextFile(`${folder}/e.json`, JSON.stringify(service("good", "10.96.0.2")));
  const { code, stdout, stderr } = await ledgerproxy(["run", "--source", folder, "--dry-run"]);
  assert.equal(code, 0);
  assert.match(stdout, /10\.96\.0\.1 comment "shop\/good"/);
  assert.doesNotMatch(stdout, /10\.96\.0\.2 comment/);
  assert.match(
    stderr,
    /b\.json: Service "shop\/bad": spec\.clusterIP: "10\.96\.0\.300" is not an IP address; the object is left out/,
  );
  assert.match(stderr, /c\.yaml:\d+: /);
  assert.match(stderr, /d\.yaml: kind "Pod" is not one of/);
  assert.match(stderr, /e\.json: Service shop\/good is in .*a\.json already/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a --node without a Node object is a warning, and the rules are made all the same", async () => {
  const run = (node: string) => ledgerproxy(["run", "--source", RECORDING, "--dry-run", "--node", node]);
  const [typo, right] = await Promise.all([run("node-typo"), run("node-a")]);
  assert.match(typo.stderr, /warning: there is no Node node-typo: /);
  assert.match(typo.stdout, /10\.96\.0\.1 \. tcp \. 443/);
  assert.doesNotMatch(right.stderr, /Node/);
});

Deno.test("flags about traffic shape the rules", async () => {
  const { stdout } = await ledgerproxy([
    ...["run", "--source", RECORDING, "--dry-run", "--node", "node-a", "--masquerade-bit", "3"],
    ...["--cluster-cidr", "10.244.0.0/16", "--nodeport-addresses", "primary,192.0.2.0/24"],
  ]);
  assert.match(stdout, /ip saddr != 10\.244\.0\.0\/16 jump from-outside/);
  assert.match(stdout, /meta mark set meta mark \| 0x00000008 dnat ip to .* map @single-endpoints/);
  assert.match(stdout, /ip daddr 192\.0\.2\.0\/24 fib daddr type local jump nodeports/);
});

Deno.test("a configuration file shapes the rules, flags override it, unknown fields are warnings, wrong values errors", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/config.yaml`;
  const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n";
  await Deno.writeTextFile(file, `${head}clusterCIDR: 10.244.0.0/16\nnftables: {masqueradeBit: 3}\n`);
  const args = ["run", "--source", RECORDING, "--dry-run", "--config", file];
  const [plain, flagged] = await Promise.all([
    ledgerproxy(args),
    ledgerproxy([...args, "--masquerade-bit", "4"]),
  ]);
  for (const [{ stdout }, bits] of [[plain, "0x00000008"], [flagged, "0x00000010"]] as const) {
    assert.match(stdout, /ip saddr != 10\.244\.0\.0\/16 jump from-outside/);
    assert.ok(stdout.includes(`meta mark set meta mark | ${bits} dnat ip to `), bits);
  }
  const old = "nftable: {}\nudpIdleTimeout: 250ms\nmetadata: {name: worker}\n";
  await Deno.writeTextFile(file, `${head}clusterCIDR: 10.244.0.0/16\n${old}`);
  const lenient = await ledgerproxy(args);
  assert.equal(lenient.code, 0, lenient.stderr);
  assert.match(lenient.stderr, /config\.yaml: nftable: there is no such field; it is left out/);
  assert.match(
    lenient.stderr,
    /config\.yaml: udpIdleTimeout: kube-proxy has not read it since 1\.26; it is left out/,
  );
  await Deno.writeTextFile(file, `${head}clusterCIDR: 10.244.0.0\noomScoreAdj: none\nnftable: {}\n`);
  const { code, stderr } = await ledgerproxy(args);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /config\.yaml:\n {2}clusterCIDR: "10\.244\.0\.0"; CIDRs such as .*\n {2}oomScoreAdj: "none"; .*number/,
  );
  await Deno.remove(folder, { recursive: true });
});
