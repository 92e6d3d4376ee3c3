// `manifest` refuses what no node could use, before any node reads it.

import assert from "node:assert/strict";
import { ledgerproxy } from "../../support/run_program.ts";

const FLAGS = ["manifest", "--image", "example/ledgerproxy:1", "--cluster-cidr", "10.244.0.0/16"];

Deno.test("the API server is not the Service of the API server, which works only once the proxy does", async () => {
  for (const name of ["kubernetes", "kubernetes.default", "kubernetes.default.svc.cluster.local"]) {
    const { code, stderr } = await ledgerproxy([...FLAGS, "--api-server", `https://${name}:443`]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /no Service works before this proxy does/);
  }
  const { code, stdout } = await ledgerproxy([...FLAGS, "--api-server", "https://kubernetes.example:6443"]);
  assert.equal(code, 0);
  assert.match(stdout, /^kind: DaemonSet$/m);
});

Deno.test("without a way to the API server, and with two, it says what to give", async () => {
  for (const flags of [[], ["--api-server", "https://10.0.0.2:6443", "--config-map", "kube-proxy"]]) {
    const { code, stderr } = await ledgerproxy([...FLAGS, ...flags]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /give --for kubeadm, .*, or one of --api-server URL and --config-map NAME/);
  }
});

Deno.test("a warning about the flags is written once", async () => {
  const { code, stderr } = await ledgerproxy([
    ...FLAGS,
    "--config-map",
    "kube-proxy",
    "--proxy-mode",
    "ipvs",
  ]);
  assert.equal(code, 0);
  assert.equal(stderr.match(/mode ipvs: rules are nftables here/g)?.length, 1, stderr);
});

Deno.test("credentials in the URL of the API server are refused, and not repeated", async () => {
  const { code, stderr } = await ledgerproxy([...FLAGS, "--api-server", "https://me:secret@10.0.0.2:6443"]);
  assert.equal(code, 2);
  assert.match(stderr, /leave out the name and the password/);
  assert.doesNotMatch(stderr, /secret/);
});
